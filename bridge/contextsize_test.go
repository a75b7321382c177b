package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/selection"
)

// kept journals are those of the tests in this package.
type keptJournal struct{ entries []Entry }

func (j *keptJournal) Entries(context.Context, string) ([]Entry, error) { return j.entries, nil }

func (j *keptJournal) Append(_ context.Context, _ Lease, entries ...Entry) error {
	j.entries = append(j.entries, entries...)
	return nil
}

type modelOf func(openai.Request) (openai.Answer, error)

func (m modelOf) Complete(_ context.Context, r openai.Request) (openai.Answer, error) { return m(r) }

// lifeOf is a run that has a brief and nothing else, without tools.
func lifeOf(b Brief, model modelOf) *run {
	b.fitWindow()
	r := &run{
		Bridge: New(model, Options{}), log: slog.New(slog.DiscardHandler), functions: functionsOf(nil),
		task: Task{Journal: &keptJournal{}}, history: &history{run: "run_1", began: time.Unix(0, 0)},
	}
	r.note(EntryBrief, b)
	return r
}

// turn adds an answer whose calls returned these results.
func (r *run) turn(usage openai.Usage, results ...Result) {
	a := openai.Answer{Content: "Let me see.", Usage: usage, Finish: openai.FinishStop}
	for range results {
		a.Calls = append(a.Calls, openai.Call{Name: "look", Arguments: `{"id":"x"}`})
	}
	r.note(EntryAnswer, a)
	t := r.history.lastTurn()
	for i, result := range results {
		result.Answer, result.Index = t.seq, i
		r.note(EntryIntent, Intent{Answer: t.seq, Index: i, Function: "look", Effect: Read, Arguments: []byte(`{"id":"x"}`)})
		r.note(EntryResult, result)
	}
}

func TestTurnFarFromItsWindowCountsNothing(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Look.", ResultLimit: 8 << 10}, nil)
	r.scale.count = func(text string) int {
		t.Errorf("counted %q", opening(text))
		return 0
	}
	for range 10 {
		r.turn(openai.Usage{}, Result{Content: strings.Repeat("x", 7000)})
		if outcome, err := r.makeRoom(t.Context()); outcome != nil || err != nil {
			t.Fatal(outcome, err)
		}
	}
	for range 12 { // bytes are no bound any more, but the provider has counted
		bytes := weigh(r.history.view(), atMost)
		r.turn(openai.Usage{Prompt: bytes / 4, Completion: 10}, Result{Content: strings.Repeat("x", 7000)})
		if outcome, err := r.makeRoom(t.Context()); outcome != nil || err != nil {
			t.Fatal(outcome, err)
		}
	}
	if bytes := weigh(r.history.view(), atMost); bytes < 110_000 {
		t.Errorf("the question has %d bytes: the test never left the bound", bytes)
	}
}

func TestTextIsCountedOnceALife(t *testing.T) {
	r := lifeOf(Brief{Prompt: strings.Repeat("Look at it. ", 12_000), ResultLimit: 8 << 10}, nil)
	counted := map[string]int{}
	r.scale.count = func(text string) int {
		counted[text]++
		return selection.Tokens(text)
	}
	for i := range 30 {
		r.turn(openai.Usage{Prompt: 1}, Result{Content: fmt.Sprintf("%d ", i) + strings.Repeat("word ", 500)})
		if outcome, err := r.makeRoom(t.Context()); outcome != nil || err != nil {
			t.Fatal(outcome, err)
		}
	}
	if len(counted) < 30 {
		t.Errorf("counted %d texts: the test never left the bound", len(counted))
	}
	for text, times := range counted {
		if times > 1 {
			t.Errorf("counted %q %d times", opening(text), times)
		}
	}
}

func TestReportedUsageCountsOnlyWhereItCanBeTrue(t *testing.T) {
	for name, c := range map[string]struct {
		prompt int
		after  func(*run)
		want   bool
	}{
		"a true count":       {prompt: 1000, want: true},
		"next to nothing":    {prompt: 10},
		"more than bytes":    {prompt: 50_000},
		"an estimate":        {prompt: -1},
		"before a fold":      {prompt: 1000, after: func(r *run) { r.note(EntryFold, Fold{Upto: 2}) }},
		"of the last answer": {prompt: 1000, after: func(r *run) { r.turn(openai.Usage{}) }},
	} {
		t.Run(name, func(t *testing.T) {
			r := lifeOf(Brief{Prompt: "Look."}, nil)
			u := openai.Usage{Prompt: c.prompt}
			if c.prompt < 0 {
				u = openai.Usage{Prompt: 1000, Estimated: true}
			}
			r.turn(u, Result{Content: "x"})
			if c.after != nil {
				c.after(r)
			}
			if n, ok := r.history.reported(4000); ok != c.want || ok && n != c.prompt {
				t.Errorf("got %d, %v", n, ok)
			}
		})
	}
}

func TestPartsAreWeighedByWhatTheyAre(t *testing.T) {
	image := `{"type":"image_url","image_url":{"url":"data:image/png;base64,%s"}}`
	for part, want := range map[string]int{
		fmt.Sprintf(image, "AAAA"):                                                   1000,
		fmt.Sprintf(image, strings.Repeat("A", 1_000_000)):                           5000,
		`{"file":{"file_data":"` + strings.Repeat("A", 15_965) + `"},"type":"file"}`: 1000,
		`{"type":"text","text":"a \"image_url\" of \"file\""}`:                       52,
	} {
		if got := weighPart([]byte(part), atMost); got != want {
			t.Errorf("%s weighs %d, want %d", opening(part), got, want)
		}
	}
}

func TestSmallWindowBoundsWhatGoesIntoOneRequest(t *testing.T) {
	b := Brief{Window: 4000, ResultLimit: 8 << 10}
	b.fitWindow()
	if b.ResultLimit != 2000 || b.Limits.Tokens != 1000 {
		t.Errorf("got %+v", b)
	}
	b = Brief{ResultLimit: 8 << 10, Limits: selection.Limits{Functions: 20}}
	b.fitWindow()
	if diff := cmp.Diff(Brief{Window: 128_000, ResultLimit: 8 << 10, Limits: selection.Limits{Functions: 20}}, b); diff != "" {
		t.Error(diff)
	}
}

func TestCallersLimitOfAnAnswerIsKeptFree(t *testing.T) {
	for most, want := range map[int]int{0: 112_000, 100: 112_000, 50_000: 78_000, 1_000_000: 64_000} {
		h := &history{}
		if most > 0 {
			h.demand.params.MaxTokens = &most
		}
		if got := h.room().limit; got != want {
			t.Errorf("with at most %d tokens to answer there is room for %d, want %d", most, got, want)
		}
	}
}

// random adds a random turn, with what may stand around it in a journal.
func (r *run) random(t *rapid.T) {
	text := func(most int) string {
		return strings.Repeat(rapid.SampledFrom([]string{"word ", "é😀", `{"a": 1},`, "x"}).Draw(t, "words"), rapid.IntRange(0, most).Draw(t, "length"))
	}
	a := openai.Answer{Content: text(50), Finish: openai.FinishStop}
	for i := range rapid.IntRange(0, 4).Draw(t, "calls") {
		a.Calls = append(a.Calls, openai.Call{ID: rapid.SampledFrom([]string{"", "a", fmt.Sprint(i)}).Draw(t, "id"),
			Name: rapid.SampledFrom([]string{"look", "pay.now", readResultName}).Draw(t, "function"), Arguments: rapid.SampledFrom([]string{`{"id":"x"}`, `{`, ""}).Draw(t, "arguments")})
	}
	switch rapid.IntRange(0, 3).Draw(t, "usage") {
	case 0:
		a.Usage.Prompt = weigh(r.history.view(), r.scale.tokens) + r.scale.functions(r.offering())
	case 1:
		a.Usage.Prompt = rapid.IntRange(0, 100).Draw(t, "reported")
	}
	r.note(EntryAnswer, a)
	turn := r.history.lastTurn()
	for _, c := range turn.calls {
		result := Result{Answer: turn.seq, Index: c.index, Content: text(400)}
		switch rapid.IntRange(0, 5).Draw(t, "result") {
		case 0:
			result.Code, result.IsError = OutcomeUnknown, true
			result.Content = fmt.Sprintf("outcome_unknown: number %d.%d", turn.seq, c.index)
		case 1:
			result.IsError = true
		case 2:
			result.Parts = append(result.Parts, encode(imagePart{Type: "image_url"}))
		case 3:
			var file filePart
			file.Type, file.File.Data = "file", strings.Repeat("A", rapid.IntRange(0, 60_000).Draw(t, "file"))
			result.Parts = append(result.Parts, encode(file))
		}
		if result.Code == OutcomeUnknown || rapid.Bool().Draw(t, "made") {
			effect := rapid.SampledFrom([]Effect{Read, Write, Money}).Draw(t, "effect")
			r.note(EntryIntent, Intent{Answer: turn.seq, Index: c.index, Function: c.asked.Name, Effect: effect, Arguments: []byte(`{}`)})
		}
		r.note(EntryResult, result)
	}
	switch rapid.IntRange(0, 5).Draw(t, "aside") {
	case 0:
		r.note(EntryNote, Note{Why: NoteBudget, Text: fmt.Sprintf("Budget note %d.", turn.seq)})
	case 1:
		r.note(EntryInput, Input{Messages: []openai.Message{{Role: openai.User, Content: fmt.Sprintf("Input %d.", turn.seq)}}})
	}
}

// sound fails unless the messages are what the chat API takes: every call answered
// once, right behind its message, and nothing empty.
func sound(t *rapid.T, messages []openai.Message) {
	var open []string
	for i, m := range messages {
		switch {
		case m.Role == openai.Tool:
			at := slices.Index(open, m.CallID)
			if at < 0 {
				t.Fatalf("message %d answers %q, which was not called", i, m.CallID)
			}
			open = slices.Delete(open, at, at+1)
		case len(open) > 0:
			t.Fatalf("message %d comes before the answers to %q", i, open)
		}
		if m.Content == "" && len(m.Parts) == 0 && len(m.Calls) == 0 {
			t.Fatalf("message %d is empty", i)
		}
		for _, c := range m.Calls {
			if c.ID == "" || slices.Contains(open, c.ID) || !functionName.MatchString(c.Name) {
				t.Fatalf("message %d calls %+v", i, c)
			}
			open = append(open, c.ID)
		}
	}
	if len(open) > 0 {
		t.Fatalf("no answers to %q", open)
	}
}

func contains(messages []openai.Message, text string) bool {
	return slices.ContainsFunc(messages, func(m openai.Message) bool { return strings.Contains(m.Content, text) })
}

// TestAnyRunKeepsToItsWindow takes random runs through random windows.
func TestAnyRunKeepsToItsWindow(t *testing.T) {
	folds, summaries, full := 0, 0, 0
	var apart scale // counts what the run's own scale counts, whatever that made of it
	rapid.Check(t, func(t *rapid.T) {
		brief := Brief{Instructions: "Work.", Prompt: "This is the prompt. " + strings.Repeat("Look. ", rapid.IntRange(0, 150).Draw(t, "prompt")),
			Window: rapid.IntRange(1500, 5000).Draw(t, "window"), ResultLimit: 8 << 10, Images: rapid.Bool().Draw(t, "images"), Files: rapid.Bool().Draw(t, "files")}
		model := func(q openai.Request) (openai.Answer, error) {
			if n := apart.messages(q.Messages); n > brief.Window*3/4 {
				t.Fatalf("asked for a summary of %d tokens, with a window of %d", n, brief.Window)
			}
			return openai.Answer{Content: rapid.SampledFrom([]string{"", "A summary.", strings.Repeat("Long summary. ", 2000)}).Draw(t, "summary")}, nil
		}
		r := lifeOf(brief, model)
		last, moved := r.history.view(), false
		for range rapid.IntRange(1, 14).Draw(t, "turns") {
			before := r.history.moved
			outcome, err := r.makeRoom(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if outcome != nil {
				if outcome.Reason != ContextFull {
					t.Fatalf("outcome %+v", outcome)
				}
				full++
				break
			}
			view := r.history.view()
			sound(t, view)
			if n := apart.messages(view) + apart.functions(r.offering()); n > r.history.room().limit {
				t.Fatalf("%d tokens in a room of %d", n, r.history.room().limit)
			}
			r.holds(t, view)
			if moved = r.history.moved != before; !moved {
				for i := range last {
					if string(encode(last[i])) != string(encode(view[i])) {
						t.Fatalf("message %d was %s and is %s", i, encode(last[i]), encode(view[i]))
					}
				}
			}
			last = view
			r.random(t)
		}
		if err := r.commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		again, err := replay("run_1", r.task.Journal.(*keptJournal).entries)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.history.view(), again.view()); diff != "" {
			t.Fatalf("a resumed run shows something else: %s", diff)
		}
		summaries += len(r.history.summaries)
		for _, turn := range r.history.turns {
			if turn.folded {
				folds++
			}
		}
	})
	if folds == 0 || summaries == 0 {
		t.Errorf("%d folded turns, %d summaries, %d full windows: the test missed what it is for", folds, summaries, full)
	}
}

// holds fails unless a view has what it must not lose.
func (r *run) holds(t *rapid.T, view []openai.Message) {
	if !contains(view, "This is the prompt.") {
		t.Fatal("the prompt is gone")
	}
	input := ""
	for i, turn := range r.history.turns {
		for _, c := range turn.calls {
			if c.result.Code == OutcomeUnknown && !contains(view, c.result.Content) {
				t.Fatalf("%q is gone", c.result.Content)
			}
		}
		if i >= len(r.history.turns)-kept && r.history.summarized(turn) {
			t.Fatalf("turn %d of %d was summarized", i+1, len(r.history.turns))
		}
		for _, a := range turn.after {
			if a.input != nil {
				input = a.input.Messages[0].Content
			} else if !contains(view, a.note.Text) {
				t.Fatalf("%q is gone", a.note.Text)
			}
		}
	}
	if !contains(view, input) {
		t.Fatalf("%q is gone", input)
	}
}

func BenchmarkMakeRoomFarFromTheWindow(b *testing.B) {
	r := lifeOf(Brief{Prompt: "Look.", ResultLimit: 8 << 10}, nil)
	for i := range 10 {
		r.turn(openai.Usage{}, Result{Content: fmt.Sprint(i) + strings.Repeat("x", 7000)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if outcome, err := r.makeRoom(b.Context()); outcome != nil || err != nil {
			b.Fatal(outcome, err)
		}
	}
}

// BenchmarkMakeRoomCounting is the same near the window, where no provider counts:
// all is counted the first time, and what came since after that.
func BenchmarkMakeRoomCounting(b *testing.B) {
	r := lifeOf(Brief{Prompt: "Look.", ResultLimit: 8 << 10}, nil)
	for i := range 20 {
		r.turn(openai.Usage{}, Result{Content: strings.Repeat(fmt.Sprintf(`{"id":"pi_%d","amount":1250,"note":"a refund"},`, i), 170)})
	}
	selection.Tokens("loaded")
	b.ReportAllocs()
	for b.Loop() {
		r.scale = scale{}
		if outcome, err := r.makeRoom(b.Context()); outcome != nil || err != nil {
			b.Fatal(outcome, err)
		}
	}
}
