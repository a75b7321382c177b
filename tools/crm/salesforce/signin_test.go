package salesforce_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/crm/salesforce"
	"drawbridge/tools/crm/salesforce/salesforcefake"
)

func TestSignInByAKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	signIn := func(username string, public *rsa.PublicKey) (org, *tools.Error) {
		o := open(t, func(s *salesforce.Settings, fake *salesforcefake.Org) {
			s.ClientSecret, s.PrivateKey, s.Username = "", text, username
			fake.ConnectJWT(clientID, public, "drawbridge@acme.example.com")
		})
		_, failed := o.call(t.Context(), "", crm.SearchTicketsTool, nil)
		return o, failed
	}
	if _, err := signIn("drawbridge@acme.example.com", &key.PublicKey); err != nil {
		t.Errorf("with the app's key: %v", err)
	}
	other, _ := rsa.GenerateKey(rand.Reader, 2048)
	for _, bad := range []struct {
		username string
		public   *rsa.PublicKey
	}{{"somebody@acme.example.com", &key.PublicKey}, {"drawbridge@acme.example.com", &other.PublicKey}} {
		o, err := signIn(bad.username, bad.public)
		if err == nil || err.Code != tools.Denied || !strings.Contains(err.Message, "tools.crm.salesforce") || len(o.fake.Requests()) != 0 {
			t.Errorf("as %s: %v", bad.username, err)
		}
	}
	if _, err := salesforce.ParseKey("-----BEGIN nothing"); err == nil || strings.Contains(err.Error(), "BEGIN") {
		t.Errorf("no key: %v", err)
	}
}

// A secret that was read anew is that of the next request; a key that is none changes nothing.
func TestCredentialsCanBeChanged(t *testing.T) {
	o := open(t, nil)
	o.must(t, crm.SearchTicketsTool, nil)
	o.fake.Connect(clientID, "the next secret")
	o.fake.Expire()
	if err := o.SetCredentials("", "no key"); err == nil || strings.Contains(err.Error(), "no key") {
		t.Errorf("what is no key is taken: %v", err)
	}
	for range 3 { // of which one knocks
		o.refused(t, crm.SearchTicketsTool, nil, tools.Denied)
	}
	if err := o.SetCredentials("the next secret", ""); err != nil {
		t.Fatal(err)
	}
	o.must(t, crm.SearchTicketsTool, nil)
	if n := o.fake.SignIns(); n != 3 {
		t.Errorf("we signed in %d times, want 3", n)
	}
}

func TestSignInThatFails(t *testing.T) {
	for how, c := range map[string]struct {
		change func(*salesforce.Settings, *salesforcefake.Org)
		fault  *salesforcefake.Disturbance
		code   tools.Code
	}{
		"a wrong secret":    {func(s *salesforce.Settings, _ *salesforcefake.Org) { s.ClientSecret = "wrong" }, nil, tools.Denied},
		"another instance":  {func(_ *salesforce.Settings, fake *salesforcefake.Org) { fake.Instance = "https://evil.example.com" }, nil, tools.Denied},
		"out of order":      {nil, &salesforcefake.Disturbance{Status: 503, Body: "<html>"}, tools.Unavailable},
		"too many sign-ins": {nil, &salesforcefake.Disturbance{Status: 429, Body: "x"}, tools.Unavailable},
		"no JSON":           {nil, &salesforcefake.Disturbance{Status: 200, Body: "<html>"}, tools.Unavailable},
		"no answer":         {nil, &salesforcefake.Disturbance{}, tools.Unavailable},
	} {
		o := open(t, c.change)
		if c.fault != nil {
			o.fake.Disturb(http.MethodPost, "/oauth2/token", *c.fault)
		}
		_, err := o.call(t.Context(), "", crm.CreateTaskTool, map[string]any{"title": "Call"})
		if err == nil || err.Code != c.code || strings.Contains(err.Message, secret) {
			t.Errorf("%s: %v, want %s", how, err, c.code)
		}
		if n := len(o.fake.Requests()); n != 0 {
			t.Errorf("%s: %d requests were made", how, n)
		}
	}
}
