package convert_test

import (
	"encoding/json"
	"errors"
	"flag"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/bridge/convert"
)

// A failing check is reproduced by the seed that it prints: without this it would
// also leave a file in testdata.
func init() {
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		panic(err)
	}
}

// perCheck is how many tools one check looks at.
const perCheck = 15

func (s *subjects) draw(t *rapid.T) []*subject {
	out := make([]*subject, perCheck)
	for i := range out {
		out[i] = s.makers[rapid.IntRange(0, len(s.makers)-1).Draw(t, "tool")]()
	}
	return out
}

// tallies say in the end whether a property was tested at all.
type tallies struct{ drawn, usable, refused atomic.Int64 }

func (n *tallies) report(t *testing.T, least float64) {
	drawn, usable := n.drawn.Load(), n.usable.Load()
	t.Logf("%d instances drawn, %d usable, %d refused", drawn, usable, n.refused.Load())
	if float64(usable) < least*float64(drawn) {
		t.Errorf("only %d of %d drawn instances were usable: this tests nothing", usable, drawn)
	}
}

func TestArgumentsOfTheToolGoForwardAndComeBackEqual(t *testing.T) {
	readCorpus(t)
	var n tallies
	rapid.Check(t, func(t *rapid.T) {
		for _, s := range allSubjects().draw(t) {
			s.comesBack(t, &n)
		}
	})
	n.report(t, 0.5)
}

func TestArgumentsOfComposedSchemasGoForwardAndComeBackEqual(t *testing.T) {
	var n tallies
	rapid.Check(t, func(t *rapid.T) {
		s := newSubject("composed", tool{Name: "composed", InputSchema: encode(composed(t))})
		for range 5 {
			s.comesBack(t, &n)
		}
	})
	n.report(t, 0.2)
}

// comesBack draws arguments that the tool takes and sends them there and back.
func (s *subject) comesBack(t *rapid.T, n *tallies) {
	s.mustBeWhole(t)
	if s.function == nil || s.original() == nil || s.closed() == nil {
		return
	}
	n.drawn.Add(1)
	value, ok := instance(t, s.root, false)
	if _, isObject := value.(map[string]any); !ok || !isObject || check(s.original(), value) != nil || check(s.closed(), value) != nil {
		return
	}
	n.usable.Add(1)
	arguments := encode(value)
	fail := func(what string, args ...any) {
		t.Helper()
		t.Fatalf("%s: %s\n"+what, append([]any{s.label, arguments}, append(args, clip(s.schema), clip(s.function.Parameters), s.function.Notes)...)...)
	}
	said, err := s.function.Forward(arguments)
	if err != nil {
		fail("does not go forward: %v\nschema %s\nparameters %s\nnotes %q", err)
	}
	if err := check(s.shownFit, mustDecodeRapid(t, said)); err != nil {
		fail("went forward as %s, which does not fit the parameters: %v\nschema %s\nparameters %s\nnotes %q", clip(said), err)
	}
	back, err := s.function.Invert(said)
	if err != nil {
		fail("went forward as %s, which does not invert: %v\nschema %s\nparameters %s\nnotes %q", clip(said), err)
	}
	if !sameJSON(back, arguments) {
		fail("went forward as %s and came back as %s\nschema %s\nparameters %s\nnotes %q", clip(said), clip(back))
	}
}

func mustDecodeRapid(t *rapid.T, data []byte) any {
	v, err := decode(data)
	if err != nil {
		t.Fatalf("%s is not JSON: %v", clip(data), err)
	}
	return v
}

func TestWhatTheModelSaysArrivesValidOrIsRefusedClearly(t *testing.T) {
	readCorpus(t)
	var n tallies
	rapid.Check(t, func(t *rapid.T) {
		for _, s := range allSubjects().draw(t) {
			s.arrivesValid(t, &n)
		}
	})
	n.report(t, 0.5)
}

func TestWhatTheModelSaysToComposedSchemasArrivesValidOrIsRefusedClearly(t *testing.T) {
	var n tallies
	rapid.Check(t, func(t *rapid.T) {
		s := newSubject("composed", tool{Name: "composed", InputSchema: encode(composed(t))})
		for range 5 {
			s.arrivesValid(t, &n)
		}
	})
	n.report(t, 0.2)
}

// arrivesValid draws what a model could say under the parameters, and inverts it.
func (s *subject) arrivesValid(t *rapid.T, n *tallies) {
	s.mustBeWhole(t)
	if s.function == nil || s.kind() == nil || !s.function.Strict || s.repaired {
		return
	}
	n.drawn.Add(1)
	value, ok := instance(t, s.shown, true)
	if !ok || check(s.shownFit, value) != nil {
		return
	}
	n.usable.Add(1)
	said := encode(value)
	arguments, err := s.function.Invert(said)
	if err != nil {
		n.refused.Add(1)
		if s.losesNothing() {
			t.Fatalf("%s: the parameters carry all of the schema, and take %s, yet it is refused: %v\nschema %s\nparameters %s", s.label, said, err, clip(s.schema), clip(s.function.Parameters))
		}
		s.refusesClearly(t, said, err)
		return
	}
	if err := s.takes(mustDecodeRapid(t, arguments)); err != nil {
		t.Fatalf("%s: the model said %s, and the tool got %s, which it does not take: %v\nschema %s\nparameters %s\nnotes %q",
			s.label, said, arguments, err, clip(s.schema), clip(s.function.Parameters), s.function.Notes)
	}
}

// takes says why the tool does not take arguments. Whether formats are checked is
// up to whoever validates, so either way will do: ignoring them is not the kinder
// one below not and oneOf.
func (s *subject) takes(arguments any) error {
	err := check(s.kind(), arguments)
	if err == nil {
		return nil
	}
	if asserting, failed := compileAsserting(s.schema); failed == nil && check(asserting, arguments) == nil {
		return nil
	}
	return err
}

// losesNothing tells whether strict carries every constraint of the schema: then
// what fits the parameters must be taken. Notes name what it cannot carry; that
// text is JSON, that keys differ and that a tuple has no gaps, it never can.
func (s *subject) losesNothing() bool {
	shown := string(s.function.Parameters) + s.function.Description
	return len(s.function.Notes) == 0 && !strings.Contains(shown, "JSON") && !strings.Contains(shown, `"key"`) && !strings.Contains(shown, `"item_`)
}

func (s *subject) refusesClearly(t *rapid.T, said json.RawMessage, err error) {
	var wrong *convert.ArgumentError
	if !errors.As(err, &wrong) || len(wrong.Problems) == 0 {
		t.Fatalf("%s: %s is refused with no problem named: %T %v", s.label, said, err, err)
	}
	for _, p := range wrong.Problems[:min(len(wrong.Problems), saidInFull)] {
		if p.Text == "" || !strings.Contains(err.Error(), p.Text) {
			t.Fatalf("%s: %s: a problem is not said: %+v in %v", s.label, said, p, err)
		}
		// The root has no name; every other place must be in the text.
		if p.Path != "" && !strings.Contains(err.Error(), p.Path) {
			t.Fatalf("%s: %s: place %q is not in the text: %v", s.label, said, p.Path, err)
		}
	}
	if len(wrong.Example) == 0 {
		return
	}
	if _, err := s.function.Invert(wrong.Example); err != nil {
		t.Fatalf("%s: the example %s is refused as well: %v", s.label, wrong.Example, err)
	}
}
