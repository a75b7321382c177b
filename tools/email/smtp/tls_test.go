package smtp_test

import (
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/email/smtp"
)

// encrypted is a fake that speaks TLS as 127.0.0.1, and settings that trust it.
func encrypted(t *testing.T, implicit bool) (*fake, smtp.Settings) {
	t.Helper()
	keeper := httptest.NewTLSServer(nil) // it has a certificate
	t.Cleanup(keeper.Close)
	f := newFake(t)
	f.security, f.implicit = keeper.TLS.Clone(), implicit
	f.security.NextProtos = nil
	roots := x509.NewCertPool()
	roots.AddCert(keeper.Certificate())
	s := smtp.Settings{From: "orders@example.org", Address: "127.0.0.1:465", TLS: smtp.StartTLS, Roots: roots, Auth: smtp.Anonymous, Dial: f.dial, Now: time.Now}
	if implicit {
		s.TLS = smtp.Implicit
	}
	return f, s
}

func TestLoginGoesOverTheEncryptedConnection(t *testing.T) {
	for auth, want := range map[smtp.Auth]string{
		smtp.Plain:   "PLAIN \x00desk\x00secret",
		smtp.Login:   "LOGIN desk secret",
		smtp.XOAuth2: "XOAUTH2 user=desk\x01auth=Bearer secret\x01\x01",
	} {
		for _, implicit := range []bool{false, true} {
			f, s := encrypted(t, implicit)
			f.mechs = "PLAIN LOGIN XOAUTH2" // offered once it is encrypted
			s.Auth, s.Username, s.Password = auth, "desk", "secret"
			mustSend(t, open(t, s))
			f.mu.Lock()
			if len(f.logins) != 1 || f.logins[0] != want {
				t.Errorf("%s: logins are %q, want %q", auth, f.logins, want)
			}
			f.mu.Unlock()
		}
	}
}

func TestNewPasswordIsOfTheNextConnection(t *testing.T) {
	f, s := encrypted(t, true)
	f.mechs = "XOAUTH2"
	s.Auth, s.Username, s.Password = smtp.XOAuth2, "desk", "old"
	b := open(t, s)
	mustSend(t, b)
	b.SetPassword("new")
	mustSend(t, b)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.logins) != 2 || !strings.Contains(f.logins[0], "Bearer old") || !strings.Contains(f.logins[1], "Bearer new") || len(f.taken) != 2 {
		t.Errorf("logins are %q and %d messages were taken, want the old token, the new one, and two messages", f.logins, len(f.taken))
	}
}

func TestRefusedLoginIsToldFromOneForLater(t *testing.T) {
	for answer, want := range map[string]tools.Code{"535 5.7.8 secret is wrong": tools.Denied, "454 4.7.0 secret cannot be checked": tools.Unavailable} {
		for _, auth := range []smtp.Auth{smtp.Plain, smtp.Login, smtp.XOAuth2} {
			f, s := encrypted(t, true)
			f.mechs = "PLAIN LOGIN XOAUTH2"
			f.on = func(_ int, verb string) string {
				if verb == "AUTH" {
					return answer
				}
				return ""
			}
			s.Auth, s.Username, s.Password = auth, "desk", "secret"
			_, err := open(t, s).Send(t.Context(), letter)
			if tools.CodeOf(err) != want || tools.AsError(err).Retryable != (want == tools.Unavailable) {
				t.Errorf("%s after %q gives %v, want %s", auth, answer, err, want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the server's words about the password are told: %v", err)
			}
		}
	}
}

func TestNothingIsSaidToAServerThatCannotBeTrusted(t *testing.T) {
	bad := map[string]func(f *fake, s *smtp.Settings){
		"no STARTTLS":      func(f *fake, _ *smtp.Settings) { f.security = nil },
		"STARTTLS refused": func(f *fake, _ *smtp.Settings) { f.on = answers("STARTTLS", "454 not now") },
		"STARTTLS cut":     func(f *fake, _ *smtp.Settings) { f.on = answers("STARTTLS", "cut") },
		"unknown issuer":   func(_ *fake, s *smtp.Settings) { s.Roots = x509.NewCertPool() },
		"another's name":   func(_ *fake, s *smtp.Settings) { s.Address = strings.Replace(s.Address, "127.0.0.1", "localhost", 1) },
		"no TLS at all":    func(f *fake, s *smtp.Settings) { f.security, s.TLS = nil, smtp.Implicit },
	}
	for name, change := range bad {
		f, s := encrypted(t, false)
		f.mechs = "PLAIN"
		s.Auth, s.Username, s.Password = smtp.Plain, "desk", "secret"
		change(f, &s)
		if name == "no TLS at all" {
			f.on = answers("greeting", "220 plain text")
		}
		if _, err := open(t, s).Send(t.Context(), letter); tools.CodeOf(err) != tools.Unavailable {
			t.Errorf("%s gives %v, want unavailable", name, err)
		}
		f.mu.Lock()
		if len(f.logins) > 0 || f.counts["MAIL"] > 0 {
			t.Errorf("%s: %q and %d messages were told all the same", name, f.logins, f.counts["MAIL"])
		}
		f.mu.Unlock()
	}
}

// answers gives an answer to every command of a verb.
func answers(verb, answer string) func(int, string) string {
	return func(_ int, said string) string {
		if said == verb {
			return answer
		}
		return ""
	}
}
