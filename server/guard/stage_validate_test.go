package guard_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

func TestWrongArgumentsAreExplained(t *testing.T) {
	for _, test := range []struct {
		name, arguments string
		lines           []string // of the answer, without the first and the example
		example         string
	}{
		{
			"missing", `{}`,
			[]string{
				"- amount: required, but missing; expected an integer of 1 to 100000",
				"- email: required, but missing; expected an email address of at most 254 characters",
			},
			`{"amount":1,"email":"ada@example.com"}`,
		},
		{
			"wrong type", `{"email":"ada@example.com","amount":"250"}`,
			[]string{`- amount: expected an integer of 1 to 100000, got "250"`},
			`{"amount":1,"email":"ada@example.com"}`,
		},
		{
			"out of bounds", `{"email":"ada@example.com","amount":9007199254740993}`,
			[]string{`- amount: expected an integer of 1 to 100000, got 9007199254740993`},
			`{"amount":1,"email":"ada@example.com"}`,
		},
		{
			"not whole", `{"email":"ada@example.com","amount":2.5}`,
			[]string{`- amount: expected an integer of 1 to 100000, got 2.5`},
			`{"amount":1,"email":"ada@example.com"}`,
		},
		{
			"inside an array", `{"email":"ada@example.com","amount":1,"to":["ada@example.com","nobody"]}`,
			[]string{`- to[1]: expected an email address, got "nobody"`},
			`{"amount":1,"email":"ada@example.com","to":["ada@example.com"]}`,
		},
		{
			"inside an object", `{"email":"ada@example.com","amount":1,"address":{"zip":"123","street":"x"}}`,
			[]string{
				`- address.street: expected a string of at least 3 characters, got "x"`,
				`- address.zip: expected a string that matches ^[0-9]{5}$, got "123"`,
			},
			`{"address":{"street":"text","zip":"11111"},"amount":1,"email":"ada@example.com"}`,
		},
		{
			"enum", `{"email":"ada@example.com","amount":1,"status":"opened"}`,
			[]string{`- status: expected one of "open", "closed", got "opened"`},
			`{"amount":1,"email":"ada@example.com","status":"open"}`,
		},
		{
			"misspelled", `{"e-mail":"ada@example.com","amount":1,"ammount":2,"colour":"red"}`,
			[]string{
				`- ammount: unknown; did you mean "amount"?`,
				`- colour: unknown; known are address, amount, api_token, email, status, to`,
				`- e-mail: unknown; did you mean "email"?`,
				`- email: required, but missing; expected an email address of at most 254 characters`,
			},
			`{"amount":1,"email":"ada@example.com"}`,
		},
		{
			"not an object", `["a","b"]`,
			[]string{`- arguments: expected an object, got an array of 2 items`},
			`{"amount":1,"email":"ada@example.com"}`,
		},
		{
			"secret", `{"email":"ada@example.com","amount":1,"api_token":"hunter2"}`,
			[]string{`- api_token: expected a string of at most 5 characters, got [redacted]`},
			`{"amount":1,"api_token":"text","email":"ada@example.com"}`,
		},
		{
			"very long", `{"email":"` + strings.Repeat("x", 300) + `","amount":1}`,
			[]string{`- email: expected an email address of at most 254 characters, got "` + strings.Repeat("x", 59) + `… [302 characters]`},
			`{"amount":1,"email":"ada@example.com"}`,
		},
		{
			"many", `{"a1":1,"a2":1,"a3":1,"a4":1,"a5":1,"a6":1,"email":"ada@example.com","amount":1}`,
			[]string{
				`- a1: unknown; known are address, amount, api_token, email, status, to`,
				`- a2: unknown; known are address, amount, api_token, email, status, to`,
				`- a3: unknown; known are address, amount, api_token, email, status, to`,
				`- a4: unknown; known are address, amount, api_token, email, status, to`,
				`- a5: unknown; known are address, amount, api_token, email, status, to`,
				`- and 1 more`,
			},
			`{"amount":1,"email":"ada@example.com"}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, guard.Options{})
			result := w.Call(t.Context(), callFor("shop_order", test.arguments, ""))
			if code(result) != tools.Invalid {
				t.Fatalf("got %v", result.Err)
			}
			want := "the arguments of shop_order do not fit.\n" + strings.Join(test.lines, "\n") + "\nAn example that fits: " + test.example
			if diff := cmp.Diff(want, result.Err.Message); diff != "" {
				t.Error(diff)
			}
			if fits := w.Call(t.Context(), callFor("shop_order", test.example, "")); fits.Err != nil {
				t.Errorf("the example does not fit: %v", fits.Err)
			}
		})
	}
}

func TestUnreadableArgumentsAreRefused(t *testing.T) {
	for arguments, says := range map[string]string{
		`{"email":`: "not valid JSON",
		`{} {}`:     "something follows",
		`{"email":"ada@example.com","amount":1,"amount":2}`:                                              "given twice",
		`{"email":"ada@example.com","amount":1,"address":{"street":"abc"},"address":{"zip":"1"}}`:        "given twice",
		`{"email":"ada@example.com","amount":1,"to":[0` + strings.Repeat(",0", 60_000) + `]}`:            "more than 50000 values",
		`{"email":"ada@example.com","amount":1e999999999}`:                                               "out of range",
		`{"email":"ada@example.com","amount":` + strings.Repeat("9", 500) + `}`:                          "longer than any tool",
		`{"email":"ada@example.com","amount":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`: "nested deeper",
	} {
		w := newWorld(t, guard.Options{})
		result := w.Call(t.Context(), callFor("shop_order", arguments, ""))
		if code(result) != tools.Invalid || !strings.Contains(result.Err.Message, says) || !strings.Contains(result.Err.Message, "An example that fits") {
			t.Errorf("%.60s: got %v", arguments, result.Err)
		}
		if row := w.lastRow(t, 1); !json.Valid(row.Arguments) || !strings.Contains(string(row.Arguments), "unreadable") {
			t.Errorf("%.60s: recorded as %s", arguments, row.Arguments)
		}
	}
}

func TestDefectiveCallIsRefusedWithWhatIsWrong(t *testing.T) {
	w := newWorld(t, guard.Options{})
	call := callFor("shop_order", goodOrder, "")
	call.Defect = "the key is not a string"
	if result := w.Call(t.Context(), call); code(result) != tools.Invalid || result.Err.Message != call.Defect {
		t.Errorf("got %v", result.Err)
	}
}
