package webhook

import (
	"crypto/x509"
	"slices"
)

// clients are the certificates that senders have to show, besides all else.
type clients struct {
	roots func() *x509.CertPool // nil: none
	names []string              // DNS or common names; none means any
}

// check holds the sender's certificate to the roots, at the time of arrival.
func (c clients) check(d Delivery) error {
	if c.roots == nil {
		return nil
	}
	if len(d.Certificates) == 0 {
		return unverified("no client certificate was shown")
	}
	leaf, between := d.Certificates[0], x509.NewCertPool()
	for _, one := range d.Certificates[1:] {
		between.AddCert(one)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: c.roots(), Intermediates: between, CurrentTime: d.ArrivedAt,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return unverified("the client certificate does not verify: %v", err)
	}
	if len(c.names) > 0 && !slices.Contains(c.names, leaf.Subject.CommonName) &&
		!slices.ContainsFunc(leaf.DNSNames, func(name string) bool { return slices.Contains(c.names, name) }) {
		return unverified("the client certificate is that of %q", leaf.Subject.CommonName)
	}
	return nil
}
