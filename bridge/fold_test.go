package bridge

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"drawbridge/bridge/openai"
)

// onTheFold is a turn whose calls returned these, with a fold behind it.
func onTheFold(results ...Result) *run {
	r := lifeOf(Brief{Prompt: "Look.", ResultLimit: 2000, Images: true}, nil)
	r.turn(openai.Usage{}, results...)
	r.note(EntryFold, Fold{Upto: r.history.lastTurn().seq})
	return r
}

func TestFoldedResultIsOneLineThatSaysHowToReadIt(t *testing.T) {
	long := "{\n  \"id\": \"pi_7\",\n" + strings.Repeat("  \"a\": 1,\n", 100) + "}"
	for name, c := range map[string]struct {
		result Result
		begins string
		least  int
		most   int
	}{
		"a long one":    {Result{Content: long}, `[1019 bytes, folded; whole with read_result and the handle r2.0] { "id": "pi_7", "a": 1,`, 120, 220},
		"a short one":   {Result{Content: long[:200]}, "{\n  \"id\": \"pi_7\",\n", 200, 200},
		"a long error":  {Result{Content: long, IsError: true}, "error: [1019 bytes, folded; whole with", 400, 600},
		"a short error": {Result{Content: "no such customer", IsError: true}, "error: no such customer", 0, 30},
		"an unknown outcome": {Result{Content: "outcome_unknown: " + long, IsError: true, Code: OutcomeUnknown},
			"error: outcome_unknown: {\n", 1000, 1100},
		"the caller's": {Result{Content: long, Code: CallersCall}, "[1019 bytes, folded", 400, 600},
	} {
		t.Run(name, func(t *testing.T) {
			h := onTheFold(c.result).history
			got := h.shown(h.turns[0], h.turns[0].calls[0])
			if !strings.HasPrefix(got, c.begins) || len(got) < c.least || len(got) > c.most {
				t.Errorf("%d bytes: %s", len(got), got)
			}
		})
	}
}

func TestFoldedResultCanStillBeRead(t *testing.T) {
	whole := strings.Repeat("0123456789", 100)
	got := onTheFold(Result{Content: whole}).history.readOn([]byte(`{"handle":"r2.0","offset":10,"length":20}`))
	if !strings.HasPrefix(got.Content, whole[10:30]+"\n[bytes 10 to 30 of 1000 of the result r2.0;") {
		t.Errorf("read %q", got.Content)
	}
}

func TestFoldingLeavesDocumentsOut(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Look.", ResultLimit: 2000, Files: true}, nil)
	r.turn(openai.Usage{}, Result{Content: "[file 1]", Parts: []json.RawMessage{encode(filePart{Type: "file"})}})
	if view := r.history.view(); len(view) != 4 || len(view[3].Parts) != 3 {
		t.Errorf("before it, shown %+v", view)
	}
	r.note(EntryFold, Fold{Upto: r.history.turns[0].seq})
	if view := r.history.view(); len(view) != 3 || view[2].Content != "[file 1]\n[files with this result: 1, no longer shown]" {
		t.Errorf("shown %+v", view)
	}
}

// TestDocumentThatIsLargerThanTheWindowIsLeftOut: by what it is thought to take, so that
// no request fails of it.
func TestDocumentThatIsLargerThanTheWindowIsLeftOut(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Look.", Window: 6000, ResultLimit: 2000, Files: true}, nil)
	part := encode(map[string]any{"type": "file", "file": map[string]string{"file_data": strings.Repeat("A", 6000*fileTokenBytes)}})
	r.turn(openai.Usage{}, Result{Content: "[file 1]", Parts: []json.RawMessage{part}})
	if outcome, err := r.makeRoom(t.Context()); outcome != nil || err != nil {
		t.Fatal(outcome, err)
	}
	if view := r.history.view(); len(view) != 3 || view[2].Content != "[file 1]\n[files with this result: 1, no longer shown]" {
		t.Errorf("shown %+v", view)
	}
}

func TestFoldingLeavesImagesOut(t *testing.T) {
	picture := Result{Content: "[image 1]", Parts: onePixel()}
	r := lifeOf(Brief{Prompt: "Look.", ResultLimit: 2000, Images: true}, nil)
	r.turn(openai.Usage{}, picture)
	r.turn(openai.Usage{}, picture)
	r.note(EntryFold, Fold{Upto: r.history.turns[0].seq})
	var shown []string
	for _, m := range r.history.view()[1:] {
		shown = append(shown, fmt.Sprintf("%s %s%d", m.Role, m.Content, len(m.Parts)))
	}
	want := []string{
		"assistant Let me see.0", "tool [image 1]\n[images with this result: 1, no longer shown]0",
		"assistant Let me see.0", "tool [image 1]\n[images with this result: 1, shown below]0", "user 3",
	}
	if strings.Join(shown, "|") != strings.Join(want, "|") {
		t.Errorf("shown %q", shown)
	}
}

func TestSummarizedCallOfUnknownOutcomeKeepsItsArguments(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Mail them.", ResultLimit: 2000}, nil)
	arguments := `{"body": "` + strings.Repeat("Dear Ada, ", 70) + `"}`
	r.note(EntryAnswer, openai.Answer{Calls: []openai.Call{{Name: "mail", Arguments: arguments}}, Finish: openai.FinishCalls})
	r.note(EntryResult, Result{Answer: 2, Content: "outcome_unknown: " + strings.Repeat("why ", 500), Code: OutcomeUnknown, IsError: true})
	r.note(EntrySummary, Summary{Upto: 2, Text: "All is well."})
	if text := r.history.view()[1].Content; !strings.Contains(text, arguments+": outcome_unknown: "+strings.Repeat("why ", 500)) {
		t.Errorf("shown %s", text)
	}
}

func TestFoldThatBringsLittleIsNotMade(t *testing.T) {
	r := lifeOf(Brief{Prompt: strings.Repeat("All of it. ", 1550), Window: 10_000, ResultLimit: 2000}, nil)
	for i := range 5 {
		r.turn(openai.Usage{}, Result{Content: fmt.Sprint(i) + strings.Repeat(" word", 60)})
	}
	if room := r.history.room(); r.size(0) < room.high || r.size(0) > room.limit {
		t.Fatalf("the question has %d tokens, in %+v", r.size(0), room)
	}
	if outcome, err := r.makeRoom(t.Context()); outcome != nil || err != nil || r.history.moved != 0 {
		t.Errorf("outcome %+v, %v; moved by entry %d", outcome, err, r.history.moved)
	}
}

func TestQuestionFoundTooLongIsMadeClearlyShorter(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Look.", Window: 64_000, ResultLimit: 8000}, nil)
	for i, words := range []int{150, 1200, 1200} {
		r.turn(openai.Usage{}, Result{Content: fmt.Sprint(i) + strings.Repeat(" word", words)})
	}
	before := r.size(0)
	r.history.tight = true
	if outcome, err := r.makeRoom(t.Context()); outcome != nil || err != nil {
		t.Fatal(outcome, err)
	}
	if after := r.size(0); after > before/5*4 || after < before/4 {
		t.Errorf("it had %d tokens and has %d", before, after)
	}
}

func TestQuestionFoundTooLongThatCannotBeShorterIsAskedOnceMore(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Look.", Window: 64_000, ResultLimit: 8000}, nil)
	r.history.tight = true
	if outcome, err := r.makeRoom(t.Context()); outcome != nil || err != nil {
		t.Errorf("outcome %+v, %v", outcome, err)
	}
}

func TestOldTurnsAreSummarizedBeforeTheWindowIsFull(t *testing.T) {
	r := lifeOf(Brief{Prompt: strings.Repeat("All of it. ", 700), Window: 20_000, ResultLimit: 2000}, func(openai.Request) (openai.Answer, error) {
		return openai.Answer{Content: "A summary."}, nil
	})
	for i := range 120 { // whose results are too short to be folded
		r.turn(openai.Usage{}, Result{Content: fmt.Sprint(i) + strings.Repeat(" word", 45)})
	}
	if room := r.history.room(); r.size(0) < room.high || r.size(0) > room.limit {
		t.Fatalf("the question has %d tokens, in %+v", r.size(0), room)
	}
	if outcome, err := r.makeRoom(t.Context()); outcome != nil || err != nil || r.size(0) > r.history.room().goal {
		t.Errorf("outcome %+v, %v, %d tokens", outcome, err, r.size(0))
	}
}

// TestResultsThatAreDensestAtTheirBeginningFitAsWell: what is shown of a result may
// have more tokens than its length would have one think.
func TestResultsThatAreDensestAtTheirBeginningFitAsWell(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Look.", Window: 6000, ResultLimit: 8000}, nil)
	var results []Result
	for i := range 10 {
		results = append(results, Result{Content: fmt.Sprint(i) + strings.Repeat("%7Q~", 250) + strings.Repeat(" words", 400)})
	}
	r.turn(openai.Usage{}, results...)
	if outcome, err := r.makeRoom(t.Context()); outcome != nil || err != nil {
		t.Fatal(outcome, err)
	}
	if size := r.size(0); size > r.history.room().limit {
		t.Errorf("the question has %d tokens", size)
	}
}

func TestImageMayHaveFiveMebibytes(t *testing.T) {
	for size, want := range map[int]bool{5 << 20: true, 5<<20 + 1: false} {
		file := append([]byte("\x89PNG\x0D\x0A\x1A\x0A"), make([]byte, size-8)...)
		if _, ok := image(base64.StdEncoding.EncodeToString(file)); ok != want {
			t.Errorf("of %d bytes: kept %v, want %v", size, ok, want)
		}
	}
}

func onePixel() []json.RawMessage { return []json.RawMessage{encode(imagePart{Type: "image_url"})} }

func TestJournalThatFoldsOrSummarizesWhatThereIsNotIsRefused(t *testing.T) {
	talk := &Conversation{Messages: []openai.Message{{Role: openai.User, Content: "a"}, {Role: openai.User, Content: "b"}}}
	for name, c := range map[string]struct {
		talk *Conversation
		kind EntryKind
		body any
	}{
		"a fold of no turn":                  {nil, EntryFold, Fold{Upto: 7}},
		"a summary of no turn":               {nil, EntrySummary, Summary{Upto: 7}},
		"a summary of no conversation":       {nil, EntrySummary, Summary{Upto: 1, Messages: 1}},
		"a summary of all of a conversation": {talk, EntrySummary, Summary{Upto: 1, Messages: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			entries := []Entry{{Seq: 1, Kind: EntryBrief, Body: encode(Brief{Conversation: c.talk})}, {Seq: 2, Kind: c.kind, Body: encode(c.body)}}
			if _, err := replay("run_1", entries); err == nil || !strings.Contains(err.Error(), "entry 2") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestSummaryIsFollowedByWhatWasChanged(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Refund them.", ResultLimit: 2000}, nil)
	for i := range 12 {
		r.note(EntryAnswer, openai.Answer{Calls: []openai.Call{
			{Name: "refund", Arguments: fmt.Sprintf(`{"id": "pi_%d"}`, i)}, {Name: "look", Arguments: `{}`}}, Finish: openai.FinishCalls})
		seq := r.history.lastTurn().seq
		r.note(EntryIntent, Intent{Answer: seq, Function: "refund", Effect: Money, Arguments: []byte(`{}`)})
		r.note(EntryResult, Result{Answer: seq, Content: fmt.Sprintf("{\n\"refund\": \"re_%d\"}", i)})
		r.note(EntryIntent, Intent{Answer: seq, Index: 1, Function: "look", Effect: Read, Arguments: []byte(`{}`)})
		r.note(EntryResult, Result{Answer: seq, Index: 1, Content: "seen"})
	}
	r.note(EntrySummary, Summary{Upto: r.history.turns[9].seq, Text: "Nothing was refunded."})
	text := r.history.view()[1].Content
	for i := range 10 {
		if want := fmt.Sprintf(`- refund (r%d.0) with {"id": "pi_%d"}: returned { "refund": "re_%d"}`, r.history.turns[i].seq, i, i); !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "look") || strings.Contains(text, "re_10") {
		t.Errorf("it tells of reads, or of what is shown anyway:\n%s", text)
	}
}
