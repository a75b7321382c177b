package config

import (
	"strings"
	"testing"
)

func TestExplanationSaysLoudlyWhoseMoneyItIs(t *testing.T) {
	for key, want := range map[string]string{
		"rk_test_0123456789": "TEST MODE: no real money moves; a restricted key, at http://127.0.0.1:12111",
		"sk_test_0123456789": "TEST MODE: no real money moves; a secret key, which may do everything, at http://127.0.0.1:12111",
		"rk_live_0123456789": "LIVE: real money moves; a restricted key\n",
		"sk_live_0123456789": "LIVE: real money moves; a secret key, which may do everything\n",
	} {
		text := "tools:\n  payment: {backend: stripe, key: " + key
		if strings.Contains(key, "live") {
			text += ", live: true}"
		} else {
			text += ", base_url: \"http://127.0.0.1:12111\"}"
		}
		c, err := Parse("drawbridge.yaml", []byte(text), lookupIn(nil))
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		c.Explain(&out)
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), key) {
			t.Errorf("of %s the explanation says:\n%s", key[:8], out.String())
		}
		if warned := len(c.Warnings()) > 0; warned != (key[:8] == "sk_live_") {
			t.Errorf("of %s there are the warnings %v", key[:8], c.Warnings())
		}
	}
}

func TestStripeKeyThatIsNotReadIsTakenForWhatTheSettingsSay(t *testing.T) {
	from := Sources{Lookup: lookupIn(nil), Read: func(string, string, string) (Value, error) {
		return Value{Value: "0123456789abcdef", StandIn: true}, nil
	}}
	for live, want := range map[string]string{
		"":             "TEST MODE by the settings: no real money moves; the key was not read",
		", live: true": "LIVE by the settings: real money moves; the key was not read",
	} {
		c, err := ParseFrom("drawbridge.yaml", []byte("tools:\n  payment: {backend: stripe, key: \"${file:/run/secrets/stripe}\""+live+"}"), from)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		c.Explain(&out)
		if !strings.Contains(out.String(), want) {
			t.Errorf("the explanation does not say %q:\n%s", want, out.String())
		}
	}
}
