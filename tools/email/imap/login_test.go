package imap_test

import (
	"crypto/x509"
	"encoding/base64"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/email/imap"
)

// encrypted is a fake that speaks TLS as 127.0.0.1, and what settings need to trust it.
func encrypted(t *testing.T, way imap.TLS) (*fake, func(*imap.Settings)) {
	t.Helper()
	keeper := httptest.NewTLSServer(nil) // it has a certificate
	t.Cleanup(keeper.Close)
	f := newFake(lateOrder)
	f.security, f.implicit = keeper.TLS.Clone(), way == imap.Implicit
	f.security.NextProtos = nil
	roots := x509.NewCertPool()
	roots.AddCert(keeper.Certificate())
	dial := f.listen(t)
	return f, func(s *imap.Settings) { s.TLS, s.Roots, s.Dial = way, roots, dial }
}

func mustFind(t *testing.T, b *imap.Backend) {
	t.Helper()
	if list, err := b.SearchMessages(t.Context(), email.Filter{}); err != nil || len(list.Messages) != 1 {
		t.Fatalf("found %+v, %v; want one mail", list, err)
	}
}

func TestLoginGoesOverTheEncryptedConnection(t *testing.T) {
	for _, way := range []imap.TLS{imap.Implicit, imap.StartTLS} {
		for auth, want := range map[imap.Auth]string{
			imap.Plain:   "PLAIN \x00desk\x00first-secret",
			imap.Login:   `"desk" "first-secret"`,
			imap.XOAuth2: "XOAUTH2 user=desk\x01auth=Bearer first-secret\x01\x01",
		} {
			f, trusting := encrypted(t, way)
			mustFind(t, f.over(t, func(s *imap.Settings) { trusting(s); s.Auth = auth }))
			if got := f.loggedIn(); !slices.Equal(got, []string{want}) {
				t.Errorf("%s, %s: logins are %q, want %q", way, auth, got, want)
			}
		}
	}
}

func TestStrangersCertificateIsNoServerOfOurs(t *testing.T) {
	for _, way := range []imap.TLS{imap.Implicit, imap.StartTLS} {
		f, trusting := encrypted(t, way)
		_, err := f.over(t, func(s *imap.Settings) { trusting(s); s.Roots = x509.NewCertPool() }).SearchMessages(t.Context(), email.Filter{})
		if tools.CodeOf(err) != tools.Unavailable || !strings.Contains(err.Error(), "could not be encrypted") || !strings.Contains(err.Error(), "tools.email.imap") {
			t.Errorf("%s gives %v", way, err)
		}
		_, err = f.over(t, func(s *imap.Settings) { trusting(s); s.Address = "localhost:993" }).SearchMessages(t.Context(), email.Filter{})
		if tools.CodeOf(err) != tools.Unavailable || !strings.Contains(err.Error(), "could not be encrypted") {
			t.Errorf("%s, of another name, gives %v", way, err)
		}
		if got := f.loggedIn(); len(got) > 0 {
			t.Errorf("%s: a stranger was shown %q", way, got)
		}
	}
}

// Whoever is on the way must not talk us out of encryption, nor say anything before it that
// is believed behind it.
func TestNothingIsSaidBeforeEncryption(t *testing.T) {
	for name, answers := range map[string]map[string]string{
		"STARTTLS refused":          {"STARTTLS": "TAG NO not today\r\n"},
		"STARTTLS unknown":          {"STARTTLS": "TAG BAD what?\r\n"},
		"known already":             {"GREETING": "* PREAUTH welcome, desk\r\n"},
		"no mail server":            {"GREETING": "220 smtp.example.com\r\n"},
		"a line without end":        {"GREETING": "* OK " + strings.Repeat("a", 10<<10) + "\r\n"},
		"an answer behind the yes":  {"STARTTLS": "TAG OK go on\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"},
		"an end in place of a yes":  {"STARTTLS": cut},
		"an answer to another word": {"STARTTLS": "X OK go on\r\n"},
	} {
		f, trusting := encrypted(t, imap.StartTLS)
		f.does(func(_ int, verb, _ string) (string, string) { return answers[verb], "" })
		_, err := f.over(t, trusting).SearchMessages(t.Context(), email.Filter{})
		if tools.CodeOf(err) != tools.Unavailable || !strings.Contains(err.Error(), "could not be encrypted") {
			t.Errorf("%s gives %v", name, err)
		}
		if got := f.loggedIn(); len(got) > 0 {
			t.Errorf("%s: in the clear was said %q", name, got)
		}
	}
}

func TestExpiredTokenIsToldAndTheNextOneUsed(t *testing.T) {
	f := newFake(lateOrder)
	f.does(func(conn int, verb, rest string) (string, string) {
		_, word, _ := strings.Cut(rest, " ")
		raw, _ := base64.StdEncoding.DecodeString(word)
		switch {
		case verb == "AUTHENTICATE" && strings.Contains(string(raw), "first-secret"):
			return "+ " + base64.StdEncoding.EncodeToString([]byte(`{"status":"401","schemes":"bearer"}`)) + "\r\n", ""
		case verb == "" && conn == 1: // the answer to that, which is empty
			return "T2 NO [AUTHENTICATIONFAILED] first-secret has expired\r\n", ""
		}
		return "", ""
	})
	b := f.over(t, func(s *imap.Settings) { s.Auth = imap.XOAuth2 })
	_, err := b.SearchMessages(t.Context(), email.Filter{})
	if tools.CodeOf(err) != tools.Denied || !strings.Contains(err.Error(), "AUTHENTICATIONFAILED") || strings.Contains(err.Error(), "first-secret") {
		t.Errorf("an expired token gives %v", err)
	}
	b.SetPassword("second-secret")
	mustFind(t, b)
	if got := f.loggedIn(); len(got) != 1 || !strings.Contains(got[0], "Bearer second-secret") {
		t.Errorf("logins are %q, want the second token", got)
	}
}

func TestWayThatIsNotOfferedIsNotTried(t *testing.T) {
	f := newFake(lateOrder)
	f.caps = "IMAP4rev1 LOGINDISABLED"
	for _, way := range []imap.Auth{imap.Plain, imap.Login, imap.XOAuth2} {
		_, err := f.over(t, func(s *imap.Settings) { s.Auth = way }).SearchMessages(t.Context(), email.Filter{})
		if tools.CodeOf(err) != tools.Denied || !strings.Contains(err.Error(), "does not offer AUTH "+string(way)) || !strings.Contains(err.Error(), "tools.email.imap.auth") {
			t.Errorf("%s gives %v", way, err)
		}
	}
	if got := f.loggedIn(); len(got) > 0 {
		t.Errorf("tried were %q", got)
	}
}

func TestNewPasswordEndsConnectionsOfTheOldOne(t *testing.T) {
	f := newFake(lateOrder)
	b := f.over(t, nil)
	mustFind(t, b)
	mustFind(t, b)
	b.SetPassword("second-secret")
	mustFind(t, b)
	if got := f.loggedIn(); len(got) != 2 || !strings.HasSuffix(got[0], "first-secret") || !strings.HasSuffix(got[1], "second-secret") {
		t.Errorf("logins are %q, want one with each password", got)
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	for name, change := range map[string]func(*imap.Settings){
		"no port":               func(s *imap.Settings) { s.Address = "localhost" },
		"in the clear":          func(s *imap.Settings) { s.Address = "imap.example.com:143" },
		"no folder":             func(s *imap.Settings) { s.Folders = nil },
		"a folder of two lines": func(s *imap.Settings) { s.Folders = []string{"IN\r\nBOX"} },
		"a long folder":         func(s *imap.Settings) { s.Sent = strings.Repeat("a", imap.MaxFolder+1) },
	} {
		s := imap.Settings{Address: "127.0.0.1:143", TLS: imap.Clear, Folders: []string{"INBOX"}, Password: "first-secret"}
		change(&s)
		if b, err := imap.New(s); err == nil || strings.Contains(err.Error(), "first-secret") {
			t.Errorf("%s gives %v, %v", name, b, err)
		}
	}
}
