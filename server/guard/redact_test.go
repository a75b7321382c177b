package guard

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func redactedText(t testing.TB, raw string) string {
	t.Helper()
	value, err := decode(json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return string(redactArguments(json.RawMessage(raw), value))
}

func TestSecretsAreRedactedAndTheRestIsKeptAsItCame(t *testing.T) {
	long := strings.Repeat("é", 600)
	for raw, want := range map[string]string{
		`{ "email":"a@b.c", "n":1.50 }`:                 `{ "email":"a@b.c", "n":1.50 }`,
		`{"password":"x","a":1.50}`:                     `{"a":1.50,"password":"[redacted]"}`,
		`{"apiKey":"x","API-KEY":"y"}`:                  `{"API-KEY":"[redacted]","apiKey":"[redacted]"}`,
		`{"access_token":{"value":"x"},"author":"y"}`:   `{"access_token":"[redacted]","author":"y"}`,
		`{"list":[{"client_secret":"x"},{"ok":1}]}`:     `{"list":[{"client_secret":"[redacted]"},{"ok":1}]}`,
		`{"cvc":"123","pin":1234,"pinned":true}`:        `{"cvc":"[redacted]","pin":"[redacted]","pinned":true}`,
		`{"IBAN":"DE89370400440532013000"}`:             `{"IBAN":"[redacted]"}`,
		`{"note":"card 4111-1111 1111 1111, thanks"}`:   `{"note":"card [redacted], thanks"}`,
		`{"note":"4242424242424242 5555555555554444"}`:  `{"note":"[redacted] [redacted]"}`,
		`{"note":"2 x 1 4242424242424242"}`:             `{"note":"2 x 1 [redacted]"}`,
		`{"note":"4242424242424242, 5555555555554444"}`: `{"note":"[redacted], [redacted]"}`,
		`{"n":4242424242424242,"m":4242424242424241}`:   `{"m":4242424242424241,"n":"[redacted]"}`,
		`{"order":"1234567890123"}`:                     `{"order":"1234567890123"}`, // not a card: fails the check
		`{"text":"` + long + `"}`:                       `{"text":"` + strings.Repeat("é", 512) + `… [600 characters]"}`,
	} {
		if got := redactedText(t, raw); got != want {
			t.Errorf("%s\n got %s\nwant %s", raw, got, want)
		}
	}
}

func TestRowArgumentsAreBounded(t *testing.T) {
	for _, text := range []string{"x", `"`, "é", "\x01", "<"} {
		var members []string
		for i := range 400 {
			quoted, _ := json.Marshal(strings.Repeat(text, 100))
			members = append(members, `"m`+strings.Repeat("x", i%7)+string(rune('a'+i%26))+strings.Repeat("y", i/26)+`":`+string(quoted))
		}
		got := redactedText(t, "{"+strings.Join(members, ",")+"}")
		if len(got) > maxArguments || !json.Valid([]byte(got)) || !strings.Contains(got, `"cut":`) {
			t.Errorf("%q: %d bytes: %.80s", text, len(got), got)
		}
	}
}

func TestRedactionIsValidJSONAndDoneAfterOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := values(3).Draw(t, "value")
		raw := json.RawMessage(spell(value))
		once := redactArguments(raw, value)
		if !json.Valid(once) || len(once) > maxArguments {
			t.Fatalf("%s became %s", raw, once)
		}
	})
}

func TestRowIsValidTextWhateverTheCallerSent(t *testing.T) {
	if got := redactedText(t, "{\"a\":\"\xff\"}"); got != "{\"a\":\"\ufffd\"}" {
		t.Errorf("got %q", got)
	}
}
