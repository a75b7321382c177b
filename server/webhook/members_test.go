package webhook

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The shortcuts for what is written plainly find what the decoder finds.
func FuzzTextIsAsDecoded(f *testing.F) {
	for _, seed := range []string{`""`, `"evt_1"`, `"a\"b"`, `"Malmö"`, `"\u0041"`, "\"a\x00b\"", "\"\xff\"", `"`, `"a"b"`, `"a`, `17`, `-1.5e3`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		var want string
		if len(value) > 0 && value[0] == '"' {
			_ = json.Unmarshal(value, &want)
		} else if len(value) > 0 && strings.IndexByte("-0123456789", value[0]) >= 0 && json.Valid(value) {
			want = string(value)
		}
		if got := text(value); got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
		if at, err := time.Parse(time.RFC3339, want); err == nil && !moment(value).Equal(at) {
			t.Errorf("%q is %v, want %v", value, moment(value), at)
		}
	})
}

func TestAnswerIsTheSameWrittenOrEncoded(t *testing.T) {
	for _, id := range []string{"evt_0199f", "evt", "", `a"b`, "a<b", "ä"} {
		got, want := httptest.NewRecorder(), httptest.NewRecorder()
		Answer{Status: 202}.stored(got, nil, []Receipt{{ID: id}})
		answer(want, 202, accepted{ID: id})
		if got.Body.String() != want.Body.String() || got.Code != want.Code || got.Header().Get("Content-Type") != want.Header().Get("Content-Type") {
			t.Errorf("the event %q is answered with %s, want %s", id, got.Body, want.Body)
		}
	}
}
