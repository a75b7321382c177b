package smtp_test

import (
	"context"
	"slices"
	"testing"
	"time"

	gomail "github.com/wneessen/go-mail"

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
	var driver, plain []time.Duration
	timed := func(do func() error, all *[]time.Duration) {
		start := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		*all = append(*all, time.Since(start))
	}
	for b.Loop() {
		timed(ours, &driver)
		timed(bare, &plain)
	}
	if made, _ := f.connections(); made < 2 {
		b.Fatalf("there were %d connections", made)
	}
	slices.Sort(driver)
	slices.Sort(plain)
	b.ReportMetric(float64(driver[len(driver)/2].Microseconds()), "µs-driver-p50")
	b.ReportMetric(float64(plain[len(plain)/2].Microseconds()), "µs-bare-p50")
	b.ReportMetric(float64((driver[len(driver)/2] - plain[len(plain)/2]).Microseconds()), "µs-more-p50")
}
