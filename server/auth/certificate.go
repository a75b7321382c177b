package auth

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Certificates says which client certificates are taken as credentials.
type Certificates struct {
	// Roots are the authorities that count now. They are asked for at each request, and are
	// another pool when they changed.
	Roots func() *x509.CertPool
	// Rules say whose a certificate is: the first that fits. What none fits is refused.
	Rules []CertificateRule
}

// CertificateRule is by what a certificate is known, and what it opens. It fits one that has
// one of each list that is not empty; a rule without any fits none.
type CertificateRule struct {
	Name string // of its principal: "cert:erp"
	// CommonNames are those of the subject; DNS, URIs and Emails are alternative names.
	CommonNames, DNS, URIs, Emails []string
	// Fingerprints are SHA-256 sums of whole certificates, in lower-case hexadecimal digits.
	Fingerprints []string
	Grants
	// Approve: its holder may decide about approvals.
	Approve bool
}

// ErrCertificate is a client certificate that is not taken; the error that wraps it says why.
var ErrCertificate = errors.New("the client certificate is not accepted")

// maxHolders bounds what is remembered of certificates that were verified.
const maxHolders = 1024

// holders resolve certificates. To verify a chain takes a signature or two, which is more
// than the rest of a call: what was found is kept for as long as the whole chain counts, or
// until the authorities change. The handshake has proved, for each connection, that the
// client has the key.
type holders struct {
	Certificates
	mu    sync.Mutex
	roots *x509.CertPool // by which those known were verified
	known map[[sha256.Size]byte]holder
}

type holder struct {
	principal  Principal
	from, till time.Time // as the whole chain says
}

// AcceptCertificates says which client certificates count. It comes before the first request.
func (k *Keys) AcceptCertificates(c Certificates) {
	c.Rules = slices.Clone(c.Rules)
	k.holders = &holders{Certificates: c}
}

// certificates reports whether any client certificate is taken.
func (k *Keys) certificates() bool { return k.holders != nil && len(k.holders.Rules) > 0 }

// ofCertificate resolves a request without any other credential.
func (k *Keys) ofCertificate(r *http.Request) (Principal, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return Principal{}, fmt.Errorf("%w; or connect with a client certificate", ErrNoKey)
	}
	return k.holders.of(r.TLS.PeerCertificates, k.now())
}

func (h *holders) of(shown []*x509.Certificate, now time.Time) (Principal, error) {
	leaf, sum, roots := shown[0], sha256.Sum256(shown[0].Raw), h.Roots()
	h.mu.Lock()
	if h.roots != roots || len(h.known) >= maxHolders {
		h.roots, h.known = roots, map[[sha256.Size]byte]holder{}
	}
	known, ok := h.known[sum]
	h.mu.Unlock()
	if ok && !now.Before(known.from) && !now.After(known.till) {
		return known.principal, nil
	}
	found := holder{}
	var err error
	if found.from, found.till, err = verified(shown, roots, now); err != nil {
		return Principal{}, err
	}
	i := slices.IndexFunc(h.Rules, func(r CertificateRule) bool { return r.fits(leaf, sum) })
	if i < 0 {
		return Principal{}, fmt.Errorf("%w: that of %q is known here by none of its names, and may do nothing; its SHA-256 is %x", ErrCertificate, shortened(leaf.Subject.String()), sum)
	}
	found.principal = h.Rules[i].principal()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.roots == roots {
		h.known[sum] = found
	}
	return found.principal, nil
}

// verified is for how long a chain counts that leads from the client's certificate to one of
// the roots.
func verified(shown []*x509.Certificate, roots *x509.CertPool, now time.Time) (from, till time.Time, err error) {
	between := x509.NewCertPool()
	for _, one := range shown[1:] {
		between.AddCert(one)
	}
	chains, err := shown[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return from, till, fmt.Errorf("%w: %s", ErrCertificate, whyNoCertificate(err, now))
	}
	for _, one := range chains[0] {
		if one.NotBefore.After(from) {
			from = one.NotBefore
		}
		if till.IsZero() || one.NotAfter.Before(till) {
			till = one.NotAfter
		}
	}
	return from, till, nil
}

// whyNoCertificate says what its holder can do something about.
func whyNoCertificate(err error, now time.Time) string {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return "no authority that counts here has signed it"
	case !errors.As(err, &invalid):
		return "it cannot be verified"
	}
	switch whose := shortened(invalid.Cert.Subject.String()); {
	case invalid.Reason == x509.Expired && now.Before(invalid.Cert.NotBefore):
		return fmt.Sprintf("%q does not count before %s", whose, invalid.Cert.NotBefore.UTC().Format(time.RFC3339))
	case invalid.Reason == x509.Expired:
		return fmt.Sprintf("%q has expired on %s", whose, invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	case invalid.Reason == x509.IncompatibleUsage:
		return fmt.Sprintf("%q is not for clients (extended key usage)", whose)
	}
	return "it cannot be verified"
}

// shortened bounds a stranger's text.
func shortened(text string) string {
	if runes := []rune(text); len(runes) > maxSubject {
		return string(runes[:maxSubject]) + "…"
	}
	return text
}

func (r CertificateRule) fits(c *x509.Certificate, sum [sha256.Size]byte) bool {
	var uris []string
	for _, uri := range c.URIs {
		uris = append(uris, uri.String())
	}
	named := false
	for _, by := range []struct {
		listed, has []string
		same        func(a, b string) bool
	}{
		{r.CommonNames, []string{c.Subject.CommonName}, func(a, b string) bool { return a == b }},
		{r.DNS, c.DNSNames, strings.EqualFold},
		{r.URIs, uris, func(a, b string) bool { return a == b }},
		{r.Emails, c.EmailAddresses, sameMailbox},
		{r.Fingerprints, []string{hex.EncodeToString(sum[:])}, func(a, b string) bool { return a == b }},
	} {
		if len(by.listed) == 0 {
			continue
		}
		named = true
		if !slices.ContainsFunc(by.listed, func(a string) bool {
			return slices.ContainsFunc(by.has, func(b string) bool { return a != "" && by.same(a, b) })
		}) {
			return false
		}
	}
	return named
}

// sameMailbox compares addresses as RFC 5280 has it, section 4.2.1.6 and 7.5: the case of
// the host does not count, that of the name does.
func sameMailbox(a, b string) bool {
	i, j := strings.LastIndexByte(a, '@'), strings.LastIndexByte(b, '@')
	return i >= 0 && i == j && a[:i] == b[:j] && strings.EqualFold(a[i:], b[j:])
}

func (r CertificateRule) principal() Principal {
	return Principal{Kind: Certificate, Name: r.Name, Tools: slices.Clone(r.Tools), Effects: slices.Clone(r.Effects), Agents: slices.Clone(r.Agents),
		Limit: r.Limit, DryRun: r.DryRun, Approve: r.Approve}
}
