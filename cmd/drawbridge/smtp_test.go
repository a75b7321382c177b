package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"drawbridge/config"
	"drawbridge/server/approvalapi"
	"drawbridge/server/egress"
	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/email/smtp/smtptest"
)

// mailApp is the program with a real mail server in its settings.
func mailApp(t *testing.T) (*app, *smtptest.Server) {
	t.Helper()
	server := smtptest.New(t)
	cfg := temporary(t, config.Default())
	_, port, err := net.SplitHostPort(server.Listen(false))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tools.Email = config.EmailBackend{Backend: "smtp", From: "Kettles <orders@example.org>", SMTP: &config.SMTP{
		Address: net.JoinHostPort(smtptest.Host, port), CA: server.RootsFile, Username: smtptest.Username, Password: config.Secret(smtptest.Password)}}
	a, err := newApp(t.Context(), cfg, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.WithoutCancel(t.Context())) })
	return a, server
}

func TestMailGoesOutByTheServerOfTheSettings(t *testing.T) {
	a, server := mailApp(t)
	var offered []string
	for _, tool := range a.catalog.All() {
		if strings.HasPrefix(tool.Name, "email_") {
			offered = append(offered, tool.Name)
		}
	}
	if !slices.Equal(offered, []string{email.ToolSend}) {
		t.Errorf("offered are %q, want email_send alone", offered)
	}
	send, _ := a.catalog.Lookup(email.ToolSend)
	if send.Inward || send.WhenUnknown() != tools.AskPerson {
		t.Errorf("email_send is inward: %t, and does %q where the outcome is unknown", send.Inward, send.WhenUnknown())
	}
	raw, err := send.Call(tools.WithKey(t.Context(), "key"), json.RawMessage(`{"to": ["ada@example.com"], "subject": "Your order", "text": "Hello"}`))
	if err != nil {
		t.Fatalf("%v\n%s", err, server.Log())
	}
	var receipt email.Receipt
	if err := json.Unmarshal(raw, &receipt); err != nil || receipt.Delivery != email.DeliverySMTP {
		t.Errorf("receipt is %s, %v; want delivery smtp", raw, err)
	}
	server.Delivered("Message-ID: " + receipt.MessageID)
}

func TestNoticesOfApprovalsGoOutByTheServerOfTheSettings(t *testing.T) {
	a, server := mailApp(t)
	if err := a.mailNotice(t.Context(), approvalapi.Mail{Key: "k", To: "boss@example.com", Subject: "Approval needed", Text: "Decide."}); err != nil {
		t.Fatalf("%v\n%s", err, server.Log())
	}
	server.Delivered("Subject: Approval needed")
}

func TestMailDialerGoesToTheServerOfTheSettingsAlone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rules := egress.New(egress.Settings{}, egress.Options{})
	dial := mailDialer(rules, l.Addr().String())
	c, err := dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatalf("the server of the settings cannot be reached: %v", err)
	}
	_ = c.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, address := range []string{"127.0.0.1:443", fmt.Sprintf("localhost:%s", port), "169.254.169.254:80", "10.0.0.1:25"} {
		if c, err := dial(t.Context(), "tcp", address); err == nil || !strings.Contains(err.Error(), "refusing to connect") {
			t.Errorf("dialing %s gives %v, %v, want it refused", address, c, err)
		}
	}
}
