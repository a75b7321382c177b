package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/server/auth"
)

// signer signs certificates; one of itself if it has no other above it.
type signer struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

func (s *signer) sign(t *testing.T, template *x509.Certificate) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if s == nil {
		s = &signer{template, key}
	}
	template.SerialNumber = big.NewInt(1)
	der, err := x509.CreateCertificate(rand.Reader, template, s.Certificate, key.Public(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{signed, key}
}

func (s *signer) authority(t *testing.T, name string, till time.Time) *signer {
	t.Helper()
	return s.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: till})
}

// client signs one that counts for an hour, as changed.
func (s *signer) client(t *testing.T, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "erp"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if change != nil {
		change(template)
	}
	return s.sign(t, template).Certificate
}

func pool(all ...*signer) *x509.CertPool {
	p := x509.NewCertPool()
	for _, one := range all {
		p.AddCert(one.Certificate)
	}
	return p
}

// showing is a request over a connection with these certificates.
func showing(shown ...*x509.Certificate) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
	r.TLS = &tls.ConnectionState{PeerCertificates: shown}
	return r
}

func keysWith(t *testing.T, c auth.Certificates) *auth.Keys {
	t.Helper()
	keys, err := auth.NewKeys(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys.AcceptCertificates(c)
	return keys
}

func TestCertificateIsHisWhoseEntryFitsFirst(t *testing.T) {
	root := (*signer)(nil).authority(t, "root", time.Now().Add(time.Hour))
	worker, err := url.Parse("spiffe://example.com/worker")
	if err != nil {
		t.Fatal(err)
	}
	laptop := root.client(t, func(c *x509.Certificate) {
		c.Subject.CommonName, c.DNSNames, c.EmailAddresses = "laptop", []string{"laptop.example.com"}, []string{"ada@example.com"}
	})
	sum := sha256.Sum256(laptop.Raw)
	rules := []auth.CertificateRule{
		{Name: "nobody"}, // says nothing, and fits nothing
		{Name: "empty", CommonNames: []string{""}},
		{Name: "erp", CommonNames: []string{"other", "erp"}},
		{Name: "worker", URIs: []string{"spiffe://example.com/worker"}},
		{Name: "another's", DNS: []string{"laptop.example.com"}, Fingerprints: []string{strings.Repeat("ab", 32)}},
		{Name: "laptop", DNS: []string{"LAPTOP.example.com"}, Emails: []string{"ada@EXAMPLE.com"}, Fingerprints: []string{hex.EncodeToString(sum[:])}},
		{Name: "mail", Emails: []string{"bea@example.com"}},
		{Name: "later", CommonNames: []string{"erp"}},
	}
	keys := keysWith(t, auth.Certificates{Roots: func() *x509.CertPool { return pool(root) }, Rules: rules})
	named := func(change func(*x509.Certificate)) *x509.Certificate {
		return root.client(t, func(c *x509.Certificate) { c.Subject.CommonName = ""; change(c) })
	}
	for want, shown := range map[string]*x509.Certificate{
		"cert:erp":    root.client(t, nil),
		"cert:worker": named(func(c *x509.Certificate) { c.URIs = []*url.URL{worker} }),
		"cert:laptop": laptop,
		"cert:mail":   named(func(c *x509.Certificate) { c.EmailAddresses = []string{"bea@Example.com"} }),
	} {
		if p, err := keys.Authenticate(showing(shown)); err != nil || p.String() != want {
			t.Errorf("%v (%v), want %s", p, err, want)
		}
	}
	for what, shown := range map[string]*x509.Certificate{
		"another common name":      root.client(t, func(c *x509.Certificate) { c.Subject.CommonName = "erp2" }),
		"the case of a name":       root.client(t, func(c *x509.Certificate) { c.Subject.CommonName = "ERP" }),
		"the case of a mailbox":    named(func(c *x509.Certificate) { c.EmailAddresses = []string{"BEA@example.com"} }),
		"a URI as a common name":   root.client(t, func(c *x509.Certificate) { c.Subject.CommonName = "spiffe://example.com/worker" }),
		"the laptop's, made again": root.client(t, func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = []string{"laptop.example.com"}, "laptop" }),
		"no name at all":           named(func(*x509.Certificate) {}),
	} {
		if p, err := keys.Authenticate(showing(shown)); !errors.Is(err, auth.ErrCertificate) || !strings.Contains(err.Error(), "may do nothing") {
			t.Errorf("%s: %v (%v), want refused", what, p, err)
		}
	}
}

func TestOnlyGoodCertificatesAreTaken(t *testing.T) {
	root, stranger := (*signer)(nil).authority(t, "root", time.Now().Add(time.Hour)), (*signer)(nil).authority(t, "root", time.Now().Add(time.Hour))
	between := root.authority(t, "between", time.Now().Add(time.Hour))
	keys := keysWith(t, auth.Certificates{Roots: func() *x509.CertPool { return pool(root) }, Rules: []auth.CertificateRule{{Name: "erp", CommonNames: []string{"erp"}}}})
	erp := root.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "erp"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)})
	long, later := time.Now().Add(-time.Minute), time.Now().Add(30*time.Minute)
	for name, c := range map[string]struct {
		shown []*x509.Certificate
		says  string // "" if it is taken
	}{
		"good":               {[]*x509.Certificate{root.client(t, nil)}, ""},
		"of one between":     {[]*x509.Certificate{between.client(t, nil), between.Certificate}, ""},
		"without that":       {[]*x509.Certificate{between.client(t, nil)}, "no authority that counts here"},
		"for any use":        {[]*x509.Certificate{root.client(t, func(c *x509.Certificate) { c.ExtKeyUsage = nil })}, ""},
		"a server's":         {[]*x509.Certificate{root.client(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })}, "not for clients"},
		"expired":            {[]*x509.Certificate{root.client(t, func(c *x509.Certificate) { c.NotAfter = long })}, "expired on " + long.UTC().Format(time.RFC3339)},
		"not yet":            {[]*x509.Certificate{root.client(t, func(c *x509.Certificate) { c.NotBefore = later })}, "not count before " + later.UTC().Format(time.RFC3339)},
		"a stranger's":       {[]*x509.Certificate{stranger.client(t, nil)}, "no authority that counts here"},
		"one behind another": {[]*x509.Certificate{stranger.client(t, nil), root.client(t, nil), root.Certificate}, "no authority that counts here"},
		"signed by a client": {[]*x509.Certificate{erp.client(t, nil), erp.Certificate}, "no authority that counts here"},
	} {
		p, err := keys.Authenticate(showing(c.shown...))
		if c.says == "" && (err != nil || p.String() != "cert:erp") || c.says != "" && (!errors.Is(err, auth.ErrCertificate) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v (%v), want %q", name, p, err, c.says)
		}
	}
	for name, r := range map[string]*http.Request{"nothing shown": showing(), "no TLS": httptest.NewRequest(http.MethodPost, "/mcp", nil)} {
		if p, err := keys.Authenticate(r); !errors.Is(err, auth.ErrNoKey) || !strings.Contains(err.Error(), "client certificate") {
			t.Errorf("%s: %v (%v)", name, p, err)
		}
	}
}

// TestVerifiedCertificateCountsNoLongerThanItsChain: what is remembered of it ends with the
// first of the chain that does, and with the authority.
func TestVerifiedCertificateCountsNoLongerThanItsChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := (*signer)(nil).authority(t, "root", time.Now().Add(time.Hour))
		between := root.authority(t, "between", time.Now().Add(10*time.Minute))
		roots := pool(root)
		keys := keysWith(t, auth.Certificates{Roots: func() *x509.CertPool { return roots }, Rules: []auth.CertificateRule{{Name: "erp", CommonNames: []string{"erp"}}}})
		short, long := showing(between.client(t, nil), between.Certificate), showing(root.client(t, nil))
		is := func(r *http.Request, taken bool, when string) {
			t.Helper()
			if p, err := keys.Authenticate(r); (err == nil) != taken {
				t.Errorf("%s: %v (%v)", when, p, err)
			}
		}
		is(short, true, "at first")
		is(long, true, "at first")
		time.Sleep(9 * time.Minute)
		is(short, true, "before its authority has expired")
		time.Sleep(2 * time.Minute)
		is(short, false, "when its authority has expired")
		is(long, true, "while its own counts")
		roots = pool((*signer)(nil).authority(t, "another", time.Now().Add(time.Hour)))
		is(long, false, "when its authority counts no more")
		roots = pool(root)
		is(long, true, "when it does again")
	})
}

// TestKeySaysWhoAsksThoughThereIsACertificate: a good one, and a bad one too.
func TestKeySaysWhoAsksThoughThereIsACertificate(t *testing.T) {
	root := (*signer)(nil).authority(t, "root", time.Now().Add(time.Hour))
	keys := twoKeys(t)
	keys.AcceptCertificates(auth.Certificates{Roots: func() *x509.CertPool { return pool(root) }, Rules: []auth.CertificateRule{{Name: "erp", CommonNames: []string{"erp"}}}})
	for key, want := range map[string]string{"": "cert:erp", deskKey: "key:desk", "nobody-0123456789abc": ""} {
		r := showing(root.client(t, nil))
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		p, err := keys.Authenticate(r)
		if want == "" && !errors.Is(err, auth.ErrUnknownKey) || want != "" && (err != nil || p.String() != want) {
			t.Errorf("with key %q: %v (%v), want %q", key, p, err, want)
		}
	}
}
