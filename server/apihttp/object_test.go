package apihttp_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/apihttp"
)

func TestObjectIsTakenApartByItsExactNames(t *testing.T) {
	o, err := apihttp.TakeApart([]byte(`{"Model": "a", "model":null , "n": [1, {"n": 2}]}`))
	want := apihttp.Object{Names: []string{"Model", "model", "n"},
		Members: map[string]json.RawMessage{"Model": json.RawMessage(`"a"`), "model": json.RawMessage("null"), "n": json.RawMessage(`[1, {"n": 2}]`)}}
	if diff := cmp.Diff(want, o); diff != "" || err != nil {
		t.Errorf("%v; members (-want +got):\n%s", err, diff)
	}
}

func TestDoubledMembersAreTold(t *testing.T) {
	for raw, want := range map[string]string{`{"a":1,"b":2,"b":3,"a":4}`: "b", `{"":1,"":2}`: ""} {
		if o, err := apihttp.TakeApart([]byte(raw)); err != nil || !o.Doubled || o.Twice != want {
			t.Errorf("%s: %q is there twice (%v, %v), want %q", raw, o.Twice, o.Doubled, err, want)
		}
	}
}

func TestWhatIsNoObjectIsTold(t *testing.T) {
	for raw, want := range map[string]error{
		"": apihttp.ErrNotObject, "null": apihttp.ErrNotObject, `["a"]`: apihttp.ErrNotObject, `"a"`: apihttp.ErrNotObject,
		`{"a":1`: apihttp.ErrBroken, `{"a"`: apihttp.ErrBroken, `{"a":`: apihttp.ErrBroken, `{"a":1,}`: apihttp.ErrBroken, `{"a" 1}`: apihttp.ErrBroken, `{a:1}`: apihttp.ErrBroken,
	} {
		if _, err := apihttp.TakeApart([]byte(raw)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", raw, err, want)
		}
	}
}
