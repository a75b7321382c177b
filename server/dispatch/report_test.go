package dispatch_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

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
		// Nobody knew what became of it, and it was made again: one call.
		journaled(t, 14, bridge.EntryIntent, bridge.Intent{Answer: 13, Index: 0, Function: "pay", Tool: "pay", Key: "e"}),
		journaled(t, 15, bridge.EntryDoubt, bridge.Doubt{Answer: 13, Index: 0}),
		journaled(t, 16, bridge.EntryDecision, bridge.Decision{Answer: 13, Index: 0, Verdict: bridge.DidNotHappen}),
		journaled(t, 17, bridge.EntryIntent, bridge.Intent{Answer: 13, Index: 0, Function: "pay", Tool: "pay", Key: "e", Again: 1}),
		journaled(t, 18, bridge.EntryResult, bridge.Result{Answer: 13, Index: 0}),
		journaled(t, 19, bridge.EntryOutcome, bridge.Outcome{}),
	}
	got, err := dispatch.Calls(entries)
	want := []dispatch.CallReport{
		{Tool: "crm.find", Status: "ok", IdempotencyKey: "a"},
		{Tool: "crm_note", Status: "error", IdempotencyKey: "b"},
		{Tool: "email_send", Status: "unknown", IdempotencyKey: "c"},  // the bridge said so
		{Tool: "read_result", Status: "unknown", IdempotencyKey: "d"}, // nobody said anything
		{Tool: "pay", Status: "ok", IdempotencyKey: "e"},
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

func TestDEL02_ReportThatIsTooLongIsThinAndSaysWhereTheRestIs(t *testing.T) {
	for calls, thin := range map[int]bool{0: false, 50: false, 200: true} {
		_, said := reported(t, "done", manyCalls(t, calls)...)
		if said.Thin != thin || (said.Answer == "") != thin || (said.URL == "https://bridge.example.com/v1/runs/"+said.Run) != thin || said.Calls == nil {
			t.Errorf("with %d calls: thin %v, answer %q, url %q", calls, said.Thin, said.Answer, said.URL)
		}
		if !thin && len(said.Calls) != calls || thin && len(said.Calls) != 0 {
			t.Errorf("of %d calls it tells %d", calls, len(said.Calls))
		}
	}
	for answer, thin := range map[string]bool{
		strings.Repeat("a", 19_000):   false,
		strings.Repeat("a", 20_000):   true,
		strings.Repeat("\x01", 8<<10): true, // six bytes each in JSON
	} {
		if _, said := reported(t, answer); said.Thin != thin || said.Answer != "" && said.Answer != answer {
			t.Errorf("of %d bytes it tells %d (thin: %v)", len(answer), len(said.Answer), said.Thin)
		}
	}
}

func TestReportWithoutAReadableJournalIsStillMade(t *testing.T) {
	_, said := reported(t, "done", bridge.Entry{Seq: 1, Kind: bridge.EntryIntent, Body: []byte("{")})
	if !said.CallsCut || said.Calls == nil || len(said.Calls) != 0 || said.Answer != "done" {
		t.Errorf("it says %+v, want it to say that the calls are left out", said)
	}
}

func TestDEL02_MessageStaysBelowTwentyKilobytes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		piece := rapid.OneOf(rapid.StringN(1, 20, -1), rapid.SampledFrom([]string{"\x00", "<&>", "\u2028", "\xff", "é", "🜁", `"`, "a"})).Draw(rt, "piece")
		answer := strings.Repeat(piece, rapid.IntRange(0, 20_000).Draw(rt, "times"))
		calls := rapid.IntRange(0, 120).Draw(rt, "calls")
		body, said := reported(t, answer, manyCalls(t, calls)...)
		if len(body) >= 20_000 {
			rt.Fatalf("the message has %d bytes", len(body))
		}
		// It is whole, or it says that it is not: nothing is cut without a word.
		if whole := strings.ToValidUTF8(answer, "\uFFFD"); !said.Thin && (said.Answer != whole || len(said.Calls) != calls) {
			rt.Fatalf("of %q and %d calls it tells %q and %d", answer, calls, said.Answer, len(said.Calls))
		}
	})
}
