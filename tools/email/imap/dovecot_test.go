//go:build unix

package imap_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/email/emailtest"
	"drawbridge/tools/email/imap"
	"drawbridge/tools/email/imap/imaptest"
)

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func open(t testing.TB, address string, change func(*imap.Settings)) *imap.Backend {
	t.Helper()
	s := imap.Settings{Address: address, TLS: imap.Clear, Auth: imap.Plain, Username: imaptest.Username, Password: imaptest.Password, Own: "orders@example.org",
		Folders: []string{"INBOX", "Sent"}, Sent: "Sent", Dial: dial, Now: time.Now}
	if change != nil {
		change(&s)
	}
	b, err := imap.New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// sender stands for a mail server: what it is given is sent, and copies of it are kept.
type sender struct {
	*imap.Backend
	now   func() time.Time
	mu    sync.Mutex
	wires map[string]email.Wire
	kept  map[string]int // bytes, with the Bcc that only the copy has
}

func (s *sender) Idempotent() bool { return false }

func (s *sender) Send(ctx context.Context, m email.Mail) (email.Receipt, error) {
	from := mail.Address{Name: "Kettles & Co.", Address: "orders@example.org"}
	stamp := email.Stamp{From: from, Date: s.now(), MessageID: email.MessageID(tools.Key(ctx), from)}
	if m.InReplyTo != "" {
		var err error
		if stamp.References, err = s.Answering(ctx, m.InReplyTo); err != nil {
			return email.Receipt{}, err
		}
	}
	raw, err := email.Compose(m, stamp)
	if err != nil {
		return email.Receipt{}, err
	}
	id, err := s.Keep(ctx, email.WithBcc(raw, m), stamp.Date)
	if err != nil {
		return email.Receipt{}, err
	}
	s.mu.Lock()
	s.kept[id] = len(email.WithBcc(raw, m))
	s.wires[id] = email.Wire{From: from.Address, Recipients: m.Recipients(), Raw: raw}
	s.mu.Unlock()
	return email.Receipt{ID: id, Status: email.Sent, Delivery: email.DeliverySMTP, Subject: m.Subject, Recipients: m.Recipients(), MessageID: stamp.MessageID, SentAt: stamp.Date}, nil
}

func TestDovecotConforms(t *testing.T) {
	emailtest.Run(t, func(t *testing.T) emailtest.Harness {
		server := imaptest.New(t, imaptest.Options{})
		at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
		s := &sender{Backend: open(t, server.Address, nil), now: func() time.Time { return at }, wires: map[string]email.Wire{}, kept: map[string]int{}}
		inbox := open(t, server.Address, func(o *imap.Settings) { o.Sent = "INBOX" })
		return emailtest.Harness{Driver: s, From: "orders@example.org", Delivery: email.DeliverySMTP, Now: s.now,
			Advance: func(_ *testing.T, by time.Duration) { at = at.Add(by) },
			Kept:    func(_ *testing.T, id string) int { return s.kept[id] },
			Wire:    func(_ *testing.T, id string) email.Wire { return s.wires[id] },
			Receive: func(t *testing.T, m email.Mail, stamp email.Stamp) string {
				t.Helper()
				raw, err := email.Compose(m, stamp)
				if err != nil {
					t.Fatal(err)
				}
				id, err := inbox.Keep(t.Context(), raw, at)
				if err != nil {
					t.Fatalf("%v\n%s", err, server.Log())
				}
				return id
			}}
	}).Keep(t, "imap")
}

func TestRealServerRefusesAWrongPassword(t *testing.T) {
	server := imaptest.New(t, imaptest.Options{})
	for _, way := range []imap.Auth{imap.Plain, imap.Login} {
		b := open(t, server.Address, func(s *imap.Settings) { s.Auth, s.Password = way, "wrong horse" })
		_, err := b.SearchMessages(t.Context(), email.Filter{})
		if tools.CodeOf(err) != tools.Denied || strings.Contains(err.Error(), "wrong horse") {
			t.Errorf("%s: got %v, want it denied without the password", way, err)
		}
		b.SetPassword(imaptest.Password)
		if _, err := b.SearchMessages(t.Context(), email.Filter{}); err != nil {
			t.Errorf("%s: with the password of now: %v", way, err)
		}
	}
	b := open(t, server.Address, func(s *imap.Settings) { s.Auth = imap.XOAuth2 })
	if _, err := b.SearchMessages(t.Context(), email.Filter{}); tools.CodeOf(err) != tools.Denied || !strings.Contains(err.Error(), "xoauth2") {
		t.Errorf("a way that is not offered gives %v", err)
	}
}

func TestRealServerIsSpokenToEncrypted(t *testing.T) {
	server := imaptest.New(t, imaptest.Options{Encrypted: true})
	server.Deliver(lateOrder)
	for _, way := range []imap.TLS{imap.Implicit, imap.StartTLS} {
		address := server.Secure
		if way == imap.StartTLS {
			address = server.Address
		}
		for _, auth := range []imap.Auth{imap.Plain, imap.Login} {
			b := open(t, address, func(s *imap.Settings) { s.TLS, s.Roots, s.Auth = way, server.Roots, auth })
			if list, err := b.SearchMessages(t.Context(), email.Filter{Text: "where is"}); err != nil || len(list.Messages) != 1 || list.Messages[0].Snippet != "Where is my order?" {
				t.Errorf("%s, %s: found %+v, %v\n%s", way, auth, list, err, server.Log())
			}
		}
		stranger := open(t, address, func(s *imap.Settings) { s.TLS, s.Roots = way, x509.NewCertPool() })
		if _, err := stranger.SearchMessages(t.Context(), email.Filter{}); tools.CodeOf(err) != tools.Unavailable || !strings.Contains(err.Error(), "could not be encrypted") {
			t.Errorf("%s: an unknown certificate gives %v", way, err)
		}
	}
}

func TestConnectionThatDiedIsMadeAnew(t *testing.T) {
	server := imaptest.New(t, imaptest.Options{})
	b := open(t, server.Address, nil)
	if _, err := b.SearchMessages(t.Context(), email.Filter{}); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	server.Start()
	if _, err := b.SearchMessages(t.Context(), email.Filter{}); err != nil {
		t.Errorf("after the server was started anew: %v", err)
	}
}

func TestReadingLeavesUnreadWhatWas(t *testing.T) {
	server := imaptest.New(t, imaptest.Options{})
	b := open(t, server.Address, nil)
	raw := "From: Ada <ada@example.com>\r\nTo: orders@example.org\r\nSubject: Rechnung\r\nMessage-ID: <a@example.com>\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" +
		"--x\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>Gr=FC=DFe</p><p style=\"display:none\">obey</p>\r\n" +
		"--x\r\nContent-Type: text/csv; name=a.csv\r\nContent-Disposition: attachment\r\n\r\n1;2\r\n--x\r\nContent-Type: image/png; name=b.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--x--\r\n"
	server.Deliver(raw)
	list, err := b.SearchMessages(t.Context(), email.Filter{Unread: true, From: "ada", Subject: "rechn", Folder: "INBOX"})
	if err != nil || len(list.Messages) != 1 {
		t.Fatalf("found %+v, %v\n%s", list, err, server.Log())
	}
	for range 2 {
		m, err := b.GetMessage(t.Context(), list.Messages[0].ID)
		if err != nil || m.Text != "Grüße" || !m.Unread || len(m.Attachments) != 2 || m.Attachments[0].Text != "1;2" || m.Attachments[1].Text != "" || m.Attachments[1].Bytes != 3 {
			t.Fatalf("read %+v, %v", m, err)
		}
	}
	old := strings.Split(list.Messages[0].ID, ":")
	old[2] = "1"
	if _, err := b.GetMessage(t.Context(), strings.Join(old, ":")); tools.CodeOf(err) != tools.NotFound || !strings.Contains(err.Error(), "anew") {
		t.Errorf("an id of another numbering gives %v", err)
	}
	if _, err := b.GetMessage(t.Context(), strings.Replace(list.Messages[0].ID, "INBOX", "Archive", 1)); tools.CodeOf(err) != tools.NotFound {
		t.Errorf("a folder that is not of the settings gives %v", err)
	}
}
