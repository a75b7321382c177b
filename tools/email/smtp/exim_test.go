package smtp_test

import (
	"net/mail"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/email/smtp"
	"drawbridge/tools/email/smtp/smtptest"
)

// toExim are settings for a real server.
func toExim(s *smtptest.Server, security smtp.TLS, auth smtp.Auth) smtp.Settings {
	return smtp.Settings{From: "Kettles <orders@example.org>", Address: smtptest.Host + ":587", TLS: security, Roots: s.Roots, Auth: auth,
		Username: smtptest.Username, Password: smtptest.Password, Dial: s.Dial(security == smtp.Implicit), Now: time.Now}
}

func TestRealServerDelivers(t *testing.T) {
	server := smtptest.New(t)
	for _, way := range []struct {
		security smtp.TLS
		auth     smtp.Auth
	}{{smtp.StartTLS, smtp.Plain}, {smtp.StartTLS, smtp.Login}, {smtp.Implicit, smtp.Plain}, {smtp.Implicit, smtp.Login}} {
		b := open(t, toExim(server, way.security, way.auth))
		m := letter
		m.Bcc = []mail.Address{{Address: "archive@example.org"}}
		m.Text = "Grüße\n.\n..\nFrom here on\n"
		receipt, err := b.Send(t.Context(), m)
		if err != nil {
			t.Fatalf("%v: %v\n%s", way, err, server.Log())
		}
		got := server.Delivered("Message-ID: " + receipt.MessageID)
		for _, want := range []string{"Return-path: <orders@example.org>", "archive@example.org", "grace@example.com", "esmtpsa", "Subject: Your order", "Gr=C3=BC=C3=9Fe\n.\n..\nFrom here on\n"} {
			if !strings.Contains(strings.ReplaceAll(got, "\r\n", "\n"), want) {
				t.Errorf("%v: what was delivered has no %q:\n%s", way, want, got)
			}
		}
		if _, message, _ := strings.Cut(got, "\nDate: "); strings.Contains(message, "archive@example.org") {
			t.Errorf("%v: the message tells of its Bcc:\n%s", way, got)
		}
	}
}

func TestRealServerTakesSeveralMessagesOnAConnection(t *testing.T) {
	server := smtptest.New(t)
	s := toExim(server, smtp.StartTLS, smtp.Plain)
	b := open(t, s)
	var sent []email.Receipt
	for _, name := range []string{"one", "nobody", "two", "later", "three"} {
		m := letter
		m.To = []mail.Address{{Address: name + "@example.com"}}
		receipt, err := b.Send(keyed(t, name), m)
		switch want := map[string]tools.Code{"nobody": tools.Invalid, "later": tools.Unavailable}[name]; {
		case tools.CodeOf(err) != want:
			t.Errorf("mail to %s gives %v, want code %q", name, err, want)
		case want != "" && !strings.Contains(err.Error(), name+"@example.com"):
			t.Errorf("mail to %s gives %v, want it named", name, err)
		case want == "":
			sent = append(sent, receipt)
		}
	}
	for _, receipt := range sent {
		server.Delivered("Message-ID: " + receipt.MessageID)
	}
	spam := letter
	spam.Subject = "You are a WINNER"
	if _, err := b.Send(t.Context(), spam); tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), "looks like spam") {
		t.Errorf("a message that is refused gives %v, want invalid and the server's words", err)
	}
	if n := strings.Count(server.Log(), "<="); n != 3 {
		t.Errorf("the server has taken %d messages, want 3:\n%s", n, server.Log())
	}
}

func TestRealServerTurnsStrangersAway(t *testing.T) {
	server := smtptest.New(t)
	wrong := toExim(server, smtp.StartTLS, smtp.Login)
	wrong.Password = "wrong horse"
	stranger := toExim(server, smtp.StartTLS, smtp.Plain)
	stranger.Roots = nil
	nobody := toExim(server, smtp.StartTLS, smtp.Anonymous)
	odd := toExim(server, smtp.StartTLS, smtp.XOAuth2)
	for name, test := range map[string]struct {
		settings smtp.Settings
		want     tools.Code
		says     string
	}{
		"wrong password":      {wrong, tools.Denied, "user name and password"},
		"unknown certificate": {stranger, tools.Unavailable, "could not be encrypted"},
		"no login":            {nobody, tools.Invalid, "relaying needs a login"},
		"no XOAUTH2":          {odd, tools.Denied, "does not offer AUTH xoauth2"},
	} {
		_, err := open(t, test.settings).Send(t.Context(), letter)
		if tools.CodeOf(err) != test.want || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s gives %v, want %s that says %q", name, err, test.want, test.says)
		}
		if err != nil && (strings.Contains(err.Error(), smtptest.Password) || strings.Contains(err.Error(), "wrong horse")) {
			t.Errorf("%s tells the password: %v", name, err)
		}
	}
}
