package smtp_test

import (
	"context"
	"testing"

	gomail "github.com/wneessen/go-mail"

	"drawbridge/tools/backendtest"
	"drawbridge/tools/email/smtp"
)

// BenchmarkOverABareClient says what sending a message costs beyond the same message given
// to the same server by go-mail's client on a connection that it keeps, at the median: one
// after the other, in turns, so that what else the machine does hits both.
func BenchmarkOverABareClient(b *testing.B) {
	f := &fake{counts: map[string]int{}}
	s := f.settings()
	s.Dial = f.dial
	backend, err := smtp.New(s)
	if err != nil {
		b.Fatal(err)
	}
	defer backend.Close()
	client, err := gomail.NewClient("localhost", gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithDialContextFunc(f.dial))
	if err != nil {
		b.Fatal(err)
	}
	if err := client.DialWithContext(context.Background()); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	ours := func() error {
		_, err := backend.Send(b.Context(), letter)
		return err
	}
	bare := func() error {
		m := gomail.NewMsg()
		if err := m.From("orders@example.org"); err != nil {
			return err
		}
		if err := m.To("ada@example.com", "grace@example.com"); err != nil {
			return err
		}
		m.Subject(letter.Subject)
		m.SetBodyString(gomail.TypeTextPlain, letter.Text)
		return client.Send(m)
	}
	backendtest.Overhead(b, ours, bare)
	if made, _ := f.connections(); made < 2 {
		b.Fatalf("there were %d connections", made)
	}
}
