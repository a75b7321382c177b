package dispatch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"drawbridge/bridge"
)

// AwaitsApproval reports whether the run waits for people to agree to a call.
func (r Run) AwaitsApproval() bool {
	return r.State == Waiting && r.Reason == string(bridge.ApprovalNeeded)
}

// AwaitsPeople reports whether the run goes on only once somebody has said something
// about a call, or a time for that is over: nobody waits for that at a door.
func (r Run) AwaitsPeople() bool { return r.Undecided() || r.AwaitsApproval() }

// awaitApproval parks a run until people have decided about calls of it, or until the time
// that they have is over. It holds no worker. The exchange, if it is one, is over.
func (d *Dispatcher) awaitApproval(ctx context.Context, l *life, outcome bridge.Outcome) error {
	entries, err := d.store.Entries(ctx, l.Run.ID)
	if err != nil {
		return err
	}
	waits, err := bridge.Approvals(l.Run.ID, entries)
	if err != nil {
		return err
	}
	d.reached(BeforeWait)
	if err := d.store.AwaitApproval(ctx, l.Lease, outcome.Approvals, d.o.Now().Add(outcome.RetryAfter)); err != nil {
		return err
	}
	d.reached(AfterWait)
	for _, a := range waits {
		d.o.Log.Info("run waits for an approval", "run", l.Run.ID, "agent", l.Run.Agent, "approval", a.ID, "tool", a.Tool, "expires", a.Expires)
	}
	outcome.Answer = NeedsApproval(waits)
	l.transcript.ended(l, ExchangeEnd{State: Waiting, Outcome: outcome})
	return nil
}

// Points of a run that waits for an approval, beside those of the bridge.
const (
	BeforeWait bridge.Point = "before_wait" // what it waits for is journaled, and it is running still
	AfterWait  bridge.Point = "after_wait"  // it waits
)

// approvalEnd is the end of an exchange whose run waits for approvals. It is none if the
// run waits for none.
func approvalEnd(run string, entries []bridge.Entry) (end ExchangeEnd, ended bool, err error) {
	waits, err := bridge.Approvals(run, entries)
	if err != nil || len(waits) == 0 {
		return end, false, err
	}
	used, err := bridge.UsageOf(run, entries)
	end = ExchangeEnd{State: Waiting, Outcome: bridge.Outcome{Status: bridge.Waiting, Reason: bridge.ApprovalNeeded, Answer: NeedsApproval(waits), Usage: used}}
	return end, err == nil, err
}

// NeedsApproval says what a run waits for people to agree to, and how that is done, in
// words for whoever waits for the run.
func NeedsApproval(waits []bridge.AwaitedApproval) string {
	if len(waits) == 0 {
		return "This waits for an approval that was decided about meanwhile."
	}
	said := make([]string, len(waits))
	for i, a := range waits {
		said[i] = fmt.Sprintf("%s (approval %s, until %s)", a.Tool, a.ID, a.Expires.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("Somebody has to agree to this first: %s. To decide: drawbridge approvals approve %s, or deny; or POST /v1/approvals/%s/approve.",
		strings.Join(said, ", "), waits[0].ID, waits[0].ID)
}

// Awaited lists what a run waits for people to agree to; nothing if it does not wait for
// that.
func Awaited(run Run, entries []bridge.Entry) ([]bridge.AwaitedApproval, error) {
	if !run.AwaitsApproval() {
		return nil, nil
	}
	return bridge.Approvals(run.ID, entries)
}
