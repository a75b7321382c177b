package redistest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Link is a way to a server that can be cut.
type Link struct {
	// Address is host:port at this machine.
	Address string

	socket string
	mu     sync.Mutex
	cut    bool
	open   map[net.Conn]bool
	busy   sync.WaitGroup
}

// NewLink makes one more, for as long as the test runs.
func NewLink(t testing.TB, s *Server) *Link { return newLink(t, s, nil) }

// NewTLSLink makes one that is spoken to by TLS.
func NewTLSLink(t testing.TB, s *Server, c Certificate) *Link { return newLink(t, s, &c.pair) }

func newLink(t testing.TB, s *Server, certificate *tls.Certificate) *Link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Link{Address: listener.Addr().String(), socket: s.socket, open: map[net.Conn]bool{}}
	if certificate != nil {
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{*certificate}})
	}
	l.busy.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.busy.Go(func() { l.carry(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.Cut()
		l.busy.Wait()
	})
	return l
}

// carry takes what comes on one connection to the server, and back, until either ends.
func (l *Link) carry(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	far, err := net.Dial("unix", l.socket)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	if !l.hold(conn, far) {
		return
	}
	defer l.leave(conn, far)
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(conn, far)
		_, _ = conn.Close(), far.Close()
	})
	_, _ = io.Copy(far, conn)
	_, _ = conn.Close(), far.Close()
	back.Wait()
}

func (l *Link) hold(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		l.open[conn] = true
	}
	return !l.cut
}

func (l *Link) leave(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		delete(l.open, conn)
	}
}

// Cut ends all connections, and takes no more.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for conn := range l.open {
		_ = conn.Close()
	}
}

// Mend takes connections again.
func (l *Link) Mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = false
}

// Dial connects over this link, whatever the address.
func (l *Link) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", l.Address)
}

// Certificate is one of 127.0.0.1, signed by itself.
type Certificate struct {
	File  string // PEM
	Roots *x509.CertPool
	pair  tls.Certificate
}

// NewCertificate makes one.
func NewCertificate(t testing.TB) Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis of a test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c := Certificate{File: filepath.Join(t.TempDir(), "ca.pem"), Roots: x509.NewCertPool(), pair: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	c.Roots.AppendCertsFromPEM(text)
	if err := os.WriteFile(c.File, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}
