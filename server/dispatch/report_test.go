package dispatch_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

func journaled(t testing.TB, seq int64, kind bridge.EntryKind, body any) bridge.Entry {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return bridge.Entry{Seq: seq, Kind: kind, At: time.UnixMilli(1_800_000_000_000).UTC(), Body: raw}
}

func TestCallsTellWhatEachCameTo(t *testing.T) {
	entries := []bridge.Entry{
		journaled(t, 1, bridge.EntryBrief, bridge.Brief{Prompt: "Look."}),
		journaled(t, 3, bridge.EntryIntent, bridge.Intent{Answer: 2, Index: 0, Function: "crm_find", Tool: "crm.find", Key: "a"}),
		journaled(t, 4, bridge.EntryIntent, bridge.Intent{Answer: 2, Index: 1, Function: "crm_note", Tool: "crm_note", Key: "b"}),
		// One whose arguments were malformed has a result and no intent: no call.
		journaled(t, 5, bridge.EntryResult, bridge.Result{Answer: 2, Index: 2, IsError: true, Code: bridge.MalformedArguments}),
		journaled(t, 6, bridge.EntryResult, bridge.Result{Answer: 2, Index: 1, IsError: true}),
		journaled(t, 7, bridge.EntryResult, bridge.Result{Answer: 2, Index: 0}),
		journaled(t, 9, bridge.EntryIntent, bridge.Intent{Answer: 8, Index: 0, Function: "email_send", Tool: "email_send", Key: "c"}),
		journaled(t, 10, bridge.EntryResult, bridge.Result{Answer: 8, Index: 0, IsError: true, Code: bridge.OutcomeUnknown}),
		journaled(t, 12, bridge.EntryIntent, bridge.Intent{Answer: 11, Index: 0, Function: "read_result", Key: "d"}),
		journaled(t, 13, bridge.EntryOutcome, bridge.Outcome{}),
	}
	got, err := dispatch.Calls(entries)
	want := []dispatch.CallReport{
		{Tool: "crm.find", Status: "ok", IdempotencyKey: "a"},
		{Tool: "crm_note", Status: "error", IdempotencyKey: "b"},
		{Tool: "email_send", Status: "unknown", IdempotencyKey: "c"},  // the bridge said so
		{Tool: "read_result", Status: "unknown", IdempotencyKey: "d"}, // nobody said anything
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestCallsOfAnEmptyJournalAreNoneNotNull(t *testing.T) {
	if got, err := dispatch.Calls(nil); err != nil || got == nil || len(got) != 0 {
		t.Errorf("%#v (%v), want an empty list", got, err)
	}
}

func TestCallsNameTheEntryTheyCannotRead(t *testing.T) {
	for _, kind := range []bridge.EntryKind{bridge.EntryIntent, bridge.EntryResult} {
		_, err := dispatch.Calls([]bridge.Entry{{Seq: 7, Kind: kind, Body: []byte(`[]`)}})
		if err == nil || !strings.HasPrefix(err.Error(), "reading journal entry 7: ") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// reported has a run end with a journal, and gives the callback's body.
func reported(t testing.TB, answer string, entries ...bridge.Entry) (body []byte, said dispatch.Report) {
	t.Helper()
	at := time.UnixMilli(1_800_000_000_000).UTC()
	owed, err := dispatch.ReportOf(t.Context(), dispatch.Run{ID: dispatch.NewID("run_"), Event: dispatch.NewID("evt_"), Source: "shop", Agent: "desk", Route: "shop"},
		dispatch.Ending{State: dispatch.Succeeded, At: at, Outcome: bridge.Outcome{Reason: bridge.Answered, Answer: answer,
			Usage: bridge.Usage{Turns: 1_000_000, Calls: 1_000_000, PromptTokens: 1_000_000_000, CompletionTokens: 1_000_000_000}}}, entries)
	if err != nil {
		t.Fatal(err)
	}
	var message struct{ Data dispatch.Report }
	if err := json.Unmarshal(owed.Body, &message); err != nil {
		t.Fatal(err)
	}
	return owed.Body, message.Data
}

// manyCalls is a journal of n calls with the longest names there are.
func manyCalls(t testing.TB, n int) []bridge.Entry {
	t.Helper()
	var entries []bridge.Entry
	for i := range n {
		entries = append(entries, journaled(t, int64(i+1), bridge.EntryIntent, bridge.Intent{
			Answer: 1, Index: i, Tool: fmt.Sprintf("%0128d", i), Key: "dbk_" + strings.Repeat("0", 40)}))
	}
	return entries
}

func TestReportKeepsTheLastCallsAndSaysSo(t *testing.T) {
	for n, cut := range map[int]bool{0: false, 50: false, 51: true, 200: true} {
		_, said := reported(t, "done", manyCalls(t, n)...)
		if said.CallsCut != cut || len(said.Calls) != min(n, 50) || said.AnswerCut || said.Answer != "done" {
			t.Errorf("of %d calls it shows %d (cut: %v)", n, len(said.Calls), said.CallsCut)
		}
		if n > 0 && said.Calls[len(said.Calls)-1].Tool != fmt.Sprintf("%0128d", n-1) {
			t.Errorf("of %d calls the last one shown is %q", n, said.Calls[len(said.Calls)-1].Tool)
		}
	}
}

func TestReportCutsALongAnswer(t *testing.T) {
	for answer, want := range map[string]string{
		strings.Repeat("a", 8<<10):          strings.Repeat("a", 8<<10),
		strings.Repeat("a", 8<<10+1):        strings.Repeat("a", 8<<10),
		"a" + strings.Repeat("é", 4<<10):    "a" + strings.Repeat("é", 4<<10-1),
		strings.Repeat("\x01", 8<<10):       strings.Repeat("\x01", 8<<10/6), // six bytes each in JSON
		strings.Repeat("\n", 4<<10) + "and": strings.Repeat("\n", 4<<10),
	} {
		_, said := reported(t, answer)
		if said.Answer != want || said.AnswerCut != (answer != want) {
			t.Errorf("of %d bytes it shows %d (cut: %v), want %d", len(answer), len(said.Answer), said.AnswerCut, len(want))
		}
	}
}

func TestReportWithoutAReadableJournalIsStillMade(t *testing.T) {
	_, said := reported(t, "done", bridge.Entry{Seq: 1, Kind: bridge.EntryIntent, Body: []byte("{")})
	if !said.CallsCut || said.Calls == nil || len(said.Calls) != 0 || said.Answer != "done" {
		t.Errorf("it says %+v, want it to say that the calls are left out", said)
	}
}

func TestMessageStaysBelowTwentyKilobytes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		piece := rapid.OneOf(rapid.StringN(1, 20, -1), rapid.SampledFrom([]string{"\x00", "<&>", "\u2028", "\xff", "é", "🜁", `"`, "a"})).Draw(rt, "piece")
		answer := strings.Repeat(piece, rapid.IntRange(0, 20_000).Draw(rt, "times"))
		calls := rapid.IntRange(0, 60).Draw(rt, "calls")
		body, said := reported(t, answer, manyCalls(t, calls)...)
		if len(body) >= 20_000 {
			rt.Fatalf("the message has %d bytes", len(body))
		}
		if whole := strings.ToValidUTF8(answer, "\uFFFD"); !utf8.ValidString(said.Answer) || !strings.HasPrefix(whole, said.Answer) || said.AnswerCut != (said.Answer != whole) {
			rt.Fatalf("of %q it shows %q (cut: %v)", answer, said.Answer, said.AnswerCut)
		}
	})
}
