package smtp_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net"
	"net/mail"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/email/emailtest"
	"drawbridge/tools/email/smtp"
)

var letter = email.Mail{To: []mail.Address{{Address: "ada@example.com"}, {Address: "grace@example.com"}}, Subject: "Your order", Text: "Hello"}

// settings are of a server on this machine, which is the fake.
func (f *fake) settings() smtp.Settings {
	return smtp.Settings{From: "Kettles <orders@example.org>", Address: "localhost:25", TLS: smtp.Clear, Auth: smtp.Anonymous, Dial: f.pipe, Now: time.Now}
}

func open(t *testing.T, s smtp.Settings) *smtp.Backend {
	t.Helper()
	b, err := smtp.New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func keyed(t *testing.T, key string) context.Context { return tools.WithKey(t.Context(), key) }

func mustSend(t *testing.T, b *smtp.Backend) email.Receipt {
	t.Helper()
	receipt, err := b.Send(keyed(t, "key"), letter)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func TestSMTPConforms(t *testing.T) {
	emailtest.Run(t, func(t *testing.T) emailtest.Harness {
		f := newFake(t)
		return emailtest.Harness{
			Driver: open(t, f.settings()), From: "orders@example.org", Delivery: email.DeliverySMTP,
			Wire: func(t *testing.T, id string) email.Wire { return f.find(t, id) },
		}
	}).Keep(t, "smtp")
}

// find is the message that was taken with the Message-ID of a receipt's id.
func (f *fake) find(t *testing.T, id string) email.Wire {
	t.Helper()
	for _, wire := range f.got() {
		if bytes.Contains(wire.Raw, []byte("Message-ID: <"+strings.TrimPrefix(id, "msg_")+"@")) {
			return wire
		}
	}
	t.Fatalf("the server has no message %s", id)
	return email.Wire{}
}

func TestOnlyWhatAMailServerCanDoIsOffered(t *testing.T) {
	offered := email.Tools(email.New(open(t, newFake(t).settings())))
	if len(offered) != 1 || offered[0].Name != email.ToolSend {
		t.Fatalf("offered are %d tools, want email_send alone", len(offered))
	}
	if send := offered[0]; send.Idempotent || send.WhenUnknown() != tools.AskPerson {
		t.Errorf("email_send is idempotent: %t, and does %q when the outcome is unknown; want a person asked", send.Idempotent, send.WhenUnknown())
	}
}

func TestMessageIDComesFromTheKey(t *testing.T) {
	f := newFake(t)
	b := open(t, f.settings())
	first, again := mustSend(t, b), mustSend(t, b)
	other, err := b.Send(keyed(t, "other"), letter)
	if err != nil {
		t.Fatal(err)
	}
	if first.MessageID != again.MessageID || first.ID != again.ID || first.MessageID == other.MessageID {
		t.Errorf("Message-IDs are %s, %s under one key and %s under another", first.MessageID, again.MessageID, other.MessageID)
	}
}

func TestAnswerRefersToAMessageID(t *testing.T) {
	f := newFake(t)
	b := open(t, f.settings())
	answer := letter
	answer.InReplyTo = "<question@example.com>"
	receipt, err := b.Send(t.Context(), answer)
	if err != nil {
		t.Fatal(err)
	}
	if raw := f.find(t, receipt.ID).Raw; !bytes.Contains(raw, []byte("In-Reply-To: <question@example.com>\r\n")) {
		t.Errorf("the answer does not refer to the question:\n%s", raw)
	}
	answer.InReplyTo = "msg_1"
	if _, err := b.Send(t.Context(), answer); tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), "keeps no messages") {
		t.Errorf("answering an id gives %v, want invalid", err)
	}
}

func TestFaultsAreToldApart(t *testing.T) {
	// Each is the answer to the first command of a verb.
	for name, test := range map[string]struct {
		verb, answer string
		want         tools.Code
		says         string
		taken        int
	}{
		"greeting refuses":        {"greeting", "554 go away", tools.Denied, "554", 0},
		"greeting is busy":        {"greeting", "421 too busy", tools.Unavailable, "421", 0},
		"greeting is cut":         {"greeting", "cut", tools.Unavailable, "nothing was sent", 0},
		"greeting is none":        {"greeting", "HTTP/1.1 400 Bad Request", tools.Unavailable, "nothing was sent", 0},
		"sender is refused":       {"MAIL", "550 not yours", tools.Denied, "tools.email.from", 0},
		"sender is too quick":     {"MAIL", "450 slow down", tools.Unavailable, "450", 0},
		"cut after sender":        {"MAIL", "cut", tools.Unavailable, "nothing was sent", 0},
		"recipient bounces":       {"RCPT", "550 5.1.1 no such user", tools.Invalid, "ada@example.com for good, saying 550 \"5.1.1 no such user\"", 0},
		"recipient is greylisted": {"RCPT", "451 4.7.1 try later", tools.Unavailable, "recipient ada@example.com", 0},
		"data is refused":         {"DATA", "554 no valid recipients", tools.Invalid, "refuses this message for good", 0},
		"cut before the message":  {"DATA", "cut", tools.Unavailable, "nothing was sent", 0},
		"message is refused":      {".", "554 5.7.1 looks like spam", tools.Invalid, "looks like spam", 0},
		"message is not for now":  {".", "452 4.3.1 disk full", tools.Unavailable, "disk full", 0},
		"cut after the message":   {".", "cut", tools.OutcomeUnknown, "nobody can say", 1},
		"answer cannot be read":   {".", "what?", tools.OutcomeUnknown, "nobody can say", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on = func(nth int, verb string) string {
				if verb == test.verb && nth == 1 {
					return test.answer
				}
				return ""
			}
			_, err := email.New(open(t, f.settings())).Send(keyed(t, "key"), email.Content{
				Recipients: email.Recipients{To: []string{"ada@example.com", "grace@example.com"}}, Subject: "Hello", Text: "Hello"})
			if tools.CodeOf(err) != test.want || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %s that says %q", err, test.want, test.says)
			}
			if retryable := tools.AsError(err).Retryable; retryable != (test.want == tools.Unavailable) {
				t.Errorf("retryable is %t of %v", retryable, err)
			}
			if got := len(f.got()); got != test.taken {
				t.Errorf("the server has taken %d messages, want %d", got, test.taken)
			}
		})
	}
}

func TestRefusedRecipientLeavesTheConnectionGood(t *testing.T) {
	f := newFake(t)
	f.on = func(nth int, verb string) string {
		if verb == "RCPT" && nth == 2 {
			return "550 no such user"
		}
		return ""
	}
	b := open(t, f.settings())
	if _, err := b.Send(t.Context(), letter); tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), "grace@example.com") {
		t.Fatalf("got %v, want grace refused", err)
	}
	mustSend(t, b)
	if made, _ := f.connections(); made != 1 || len(f.got()) != 1 {
		t.Errorf("%d connections carried %d messages, want one of each: all recipients or none", made, len(f.got()))
	}
	if got := f.got()[0].Recipients; len(got) != 2 {
		t.Errorf("recipients are %q: the refused message was not taken back", got)
	}
}

func TestConnectionIsUsedAgainAndThenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		b := open(t, f.settings())
		mustSend(t, b)
		time.Sleep(29 * time.Second)
		mustSend(t, b)
		synctest.Wait()
		if made, open := f.connections(); made != 1 || open != 1 {
			t.Errorf("%d connections, %d of them open, after two messages; want one", made, open)
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if _, open := f.connections(); open != 0 || f.counts["QUIT"] != 1 {
			t.Errorf("%d connections are open and %d goodbyes said after half a minute, want 0 and 1", open, f.counts["QUIT"])
		}
		mustSend(t, b)
		for range 49 {
			mustSend(t, b)
		}
		synctest.Wait()
		if made, open := f.connections(); made != 2 || open != 0 {
			t.Errorf("%d connections, %d open; want the second ended after its 50 messages", made, open)
		}
	})
}

func TestDeadConnectionIsReplaced(t *testing.T) {
	for _, answer := range []string{"cut", "421 idle for too long"} {
		f := newFake(t)
		f.on = func(nth int, verb string) string {
			if verb == "MAIL" && nth == 2 {
				return answer
			}
			return ""
		}
		b := open(t, f.settings())
		mustSend(t, b)
		mustSend(t, b)
		if made, _ := f.connections(); made != 2 || len(f.got()) != 2 {
			t.Errorf("after %q: %d connections carried %d messages, want 2 and 2", answer, made, len(f.got()))
		}
	}
}

func TestLostAnswerIsNotFollowedByASecondMessage(t *testing.T) {
	f := newFake(t)
	f.on = func(nth int, verb string) string {
		if verb == "." && nth == 2 {
			return "cut"
		}
		return ""
	}
	b := open(t, f.settings())
	mustSend(t, b)
	if _, err := b.Send(keyed(t, "second"), letter); tools.CodeOf(err) != tools.OutcomeUnknown || tools.AsError(err).Retryable {
		t.Errorf("got %v, want an unknown outcome that is not retried", err)
	}
	if made, _ := f.connections(); made != 1 || len(f.got()) != 2 {
		t.Errorf("%d connections carried %d messages, want 1 and 2: nothing sent again", made, len(f.got()))
	}
}

func TestSilentServerIsNotWaitedForForEver(t *testing.T) {
	for verb, want := range map[string]tools.Code{"greeting": tools.Unavailable, "RCPT": tools.Unavailable, ".": tools.OutcomeUnknown} {
		for _, patience := range []time.Duration{time.Second, time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.on = func(_ int, said string) string {
					if said == verb {
						return "silence"
					}
					return ""
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				began := time.Now()
				_, err := open(t, f.settings()).Send(ctx, letter)
				if tools.CodeOf(err) != want {
					t.Errorf("silence after %s gives %v, want %s", verb, err, want)
				}
				if waited := time.Since(began); waited > min(patience, 5*time.Minute) {
					t.Errorf("silence after %s was waited for for %s", verb, waited)
				}
			})
		}
	}
}

func TestFewConnectionsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		hold := make(chan struct{})
		s := f.settings()
		s.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			<-hold
			return f.pipe(ctx, network, address)
		}
		b := open(t, s)
		errs := make(chan error, 10)
		for range 10 {
			go func() {
				_, err := b.Send(t.Context(), letter)
				errs <- err
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Send(ctx, letter); tools.CodeOf(err) != tools.Unavailable {
			t.Errorf("a message that no connection is free for gives %v, want unavailable", err)
		}
		close(hold)
		for range 10 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if made, _ := f.connections(); made != 4 || len(f.got()) != 10 {
			t.Errorf("%d connections carried %d messages, want 4 and 10", made, len(f.got()))
		}
	})
}

func TestServerThatCannotBeReachedIsUnavailable(t *testing.T) {
	s := newFake(t).settings()
	s.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("connection refused") }
	if _, err := open(t, s).Send(t.Context(), letter); tools.CodeOf(err) != tools.Unavailable || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v, want unavailable", err)
	}
}

func TestSignatureIsThatOfTheDomain(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaPublic, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for record, key := range map[string]any{
		"v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(rsaPublic):                              rsaKey,
		"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(edKey.Public().(ed25519.PublicKey)): edKey,
	} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		f := newFake(t)
		s := f.settings()
		s.DKIM = &smtp.DKIM{Domain: "example.org", Selector: "mail", Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}
		raw := f.find(t, mustSend(t, open(t, s)).ID).Raw
		var asked string
		verify := func(raw []byte) error {
			found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
				asked = name
				return []string{record}, nil
			}})
			if err != nil || len(found) != 1 {
				t.Fatalf("verified are %d signatures, %v", len(found), err)
			}
			return found[0].Err
		}
		if err := verify(raw); err != nil || asked != "mail._domainkey.example.org" {
			t.Errorf("signature with the key at %q: %v", asked, err)
		}
		if verify(bytes.Replace(raw, []byte("Your order"), []byte("Your money"), 1)) == nil {
			t.Error("another subject has a good signature")
		}
		if verify(append([]byte("Reply-To: eve@example.com\r\n"), raw...)) == nil {
			t.Error("a message with a field more has a good signature")
		}
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	short := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(weak)}))
	for says, change := range map[string]func(s *smtp.Settings){
		"not be encrypted":   func(s *smtp.Settings) { s.Address = "mail.example.com:25" },
		"missing port":       func(s *smtp.Settings) { s.Address = "localhost" },
		"reading the sender": func(s *smtp.Settings) { s.From = "nobody" },
		"not PEM":            func(s *smtp.Settings) { s.DKIM = &smtp.DKIM{Key: "key"} },
		"RSA of 1024 bits":   func(s *smtp.Settings) { s.DKIM = &smtp.DKIM{Key: short} },
		"it is no private key": func(s *smtp.Settings) {
			s.DKIM = &smtp.DKIM{Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("no")}))}
		},
	} {
		s := newFake(t).settings()
		change(&s)
		if _, err := smtp.New(s); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want it to say %q", err, says)
		}
	}
}

// TestRUN03_MessageIsNotEndedBehindAFence: a server that was given a message without its end
// delivers nothing, whatever the connection says goodbye with.
func TestRUN03_MessageIsNotEndedBehindAFence(t *testing.T) {
	f := newFake(t)
	b := open(t, f.settings())
	mustSend(t, b)
	fenced := tools.WithFence(keyed(t, "second"), func(context.Context) error { return errors.New("somebody else has it") })
	if _, err := b.Send(fenced, letter); tools.CodeOf(err) != tools.Unavailable {
		t.Errorf("got %v, want that nothing was sent", err)
	}
	b.Close()
	mustSend(t, open(t, f.settings()))
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.taken) != 2 || f.counts["DATA"] != 4 {
		t.Errorf("the server took %d messages in %d beginnings, want 2 and 4: the fenced one was begun on the kept connection and on another", len(f.taken), f.counts["DATA"])
	}
}
