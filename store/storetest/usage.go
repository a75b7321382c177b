package storetest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// costly is an answer that used 120 tokens and 7 millionths of a unit of a currency.
func costly(seq int64, currency string) bridge.Entry {
	return bridge.Entry{Seq: seq, Kind: bridge.EntryAnswer, At: time.UnixMilli(1_700_000_000_000).UTC(), Body: json.RawMessage(
		`{"usage":{"prompt":100,"completion":20,"cached":50,"reasoning":5},"cost_micros":7,"currency":"` + currency + `"}`)}
}

// day checks what the agent has used on the present day.
func day(t *testing.T, h Harness, want bridge.Usage) {
	t.Helper()
	got, err := h.Store().UsedOn(t.Context(), "billing", h.Now())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the day (-want +got):\n%s", diff)
	}
}

func appendTo(t *testing.T, h Harness, l bridge.Lease, entries ...bridge.Entry) {
	t.Helper()
	if err := h.Store().Append(t.Context(), l, entries...); err != nil {
		t.Fatal(err)
	}
}

func finishKeepsAllOfIt(t *testing.T, h Harness) {
	c := claimOne(t, h)
	used := bridge.Usage{Turns: 3, Calls: 4, PromptTokens: 50, CompletionTokens: 60, CachedTokens: 20, ReasoningTokens: 30, Cost: 1_250_000, Currency: "USD"}
	end := dispatch.Ending{State: dispatch.Succeeded, At: h.Now(), Outcome: bridge.Outcome{Status: bridge.Succeeded, Usage: used}}
	if err := h.Store().Finish(t.Context(), c.Lease, end); err != nil {
		t.Fatal(err)
	}
	run, err := h.Store().Run(t.Context(), "run_1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(used, run.Usage); diff != "" {
		t.Errorf("the run's usage (-want +got):\n%s", diff)
	}
}

func dayAddsUpWhatRunsSpend(t *testing.T, h Harness) {
	day(t, h, bridge.Usage{})
	intent := bridge.Entry{Seq: 2, Kind: bridge.EntryIntent, At: h.Now(), Body: json.RawMessage(`{}`)}
	result := bridge.Entry{Seq: 3, Kind: bridge.EntryResult, At: h.Now(), Body: json.RawMessage(`{}`)}
	appendTo(t, h, claimOne(t, h).Lease, costly(1, "USD"), intent, result)
	one := bridge.Usage{Turns: 1, Calls: 1, PromptTokens: 100, CompletionTokens: 20, CachedTokens: 50, ReasoningTokens: 5, Cost: 7, Currency: "USD"}
	day(t, h, one)
	h.Restart(t)
	start(t, h, "run_2")
	other := dispatch.NewRun{ID: "run_3", Agent: "sales", Source: "cli", Prompt: "p"}
	if err := h.Store().Start(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	for _, c := range claim(t, h) {
		if c.Run.ID != "run_1" {
			appendTo(t, h, c.Lease, costly(1, "USD"))
		}
	}
	two := bridge.Usage{Turns: 2, Calls: 1, PromptTokens: 200, CompletionTokens: 40, CachedTokens: 100, ReasoningTokens: 10, Cost: 14, Currency: "USD"}
	day(t, h, two)
}

func dayEndsAtMidnightUTC(t *testing.T, h Harness) {
	c := claimOne(t, h)
	appendTo(t, h, c.Lease, costly(1, "USD"))
	midnight := h.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	h.Advance(midnight.Sub(h.Now()) - time.Millisecond)
	if used, err := h.Store().UsedOn(t.Context(), "billing", h.Now()); err != nil || used.Turns != 1 {
		t.Errorf("before midnight %+v were used (%v), want one turn", used, err)
	}
	h.Advance(time.Millisecond)
	day(t, h, bridge.Usage{})
	c = claim(t, h)[0]
	appendTo(t, h, c.Lease, costly(2, "USD"))
	if used, err := h.Store().UsedOn(t.Context(), "billing", h.Now()); err != nil || used.Turns != 1 || used.Cost != 7 {
		t.Errorf("after midnight %+v were used (%v), want one turn", used, err)
	}
	if used, err := h.Store().UsedOn(t.Context(), "billing", h.Now().Add(-time.Hour)); err != nil || used.Turns != 1 {
		t.Errorf("of yesterday %+v is left (%v), want one turn", used, err)
	}
}

func dayCountsTheTimeWorked(t *testing.T, h Harness) {
	c := claimOne(t, h)
	h.Advance(2 * time.Second)
	appendTo(t, h, c.Lease, entry(1))
	h.Advance(3 * time.Second)
	if err := h.Store().Park(t.Context(), c.Lease, h.Now().Add(time.Minute), "model_unavailable", 1); err != nil {
		t.Fatal(err)
	}
	h.Advance(time.Minute)
	c = claim(t, h)[0]
	h.Advance(time.Second)
	if err := h.Store().Finish(t.Context(), c.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now()}); err != nil {
		t.Fatal(err)
	}
	day(t, h, bridge.Usage{Turns: 1, Wall: 6 * time.Second})
}

func dayBeginsAnewInAnotherCurrency(t *testing.T, h Harness) {
	c := claimOne(t, h)
	appendTo(t, h, c.Lease, costly(1, "USD"))
	appendTo(t, h, c.Lease, costly(2, "EUR"))
	used := bridge.Usage{Turns: 2, PromptTokens: 200, CompletionTokens: 40, CachedTokens: 100, ReasoningTokens: 10, Cost: 7, Currency: "EUR"}
	day(t, h, used)
	appendTo(t, h, c.Lease, entry(3)) // an answer without a price
	used.Turns++
	day(t, h, used)
}

func fencedWorkerSpendsNothing(t *testing.T, h Harness) {
	stale := claimOne(t, h).Lease
	h.Advance(lease)
	claim(t, h)
	if err := h.Store().Append(t.Context(), stale, costly(1, "USD")); !errors.Is(err, bridge.ErrFenced) {
		t.Fatalf("a stale worker's entry gave %v, want ErrFenced", err)
	}
	day(t, h, bridge.Usage{})
}
