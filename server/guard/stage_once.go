package guard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"drawbridge/server/auth"
	"drawbridge/tools"
)

type againContext struct{}

// WithAgain marks a call that was begun before under its key, and that is known not to
// have taken effect: a person, or a look-up, has said so. It is for those who carry runs,
// and nothing that a client sends can mark a call.
func WithAgain(ctx context.Context) context.Context {
	return context.WithValue(ctx, againContext{}, true)
}

func again(ctx context.Context) bool { return ctx.Value(againContext{}) != nil }

// MaxKey is how many characters an idempotency key may have.
const MaxKey = 200

// once makes a key take effect once. Under a key that was used before, the first
// result is given again and the tool is not called; a key stands for one tool with
// the same arguments, and for one principal.
//
// Reads pass: they may be repeated. A call without a key passes too, with a key
// minted for the backend alone, since nobody could ever repeat it; unless the window
// knows it for one that was made a moment ago: see [window].
//
// Two kinds of tools are kept apart. The backend of an idempotent tool stores the
// key with the effect, in one transaction: nothing has to be written before the
// call, and after a crash the call can simply be made again under its key. For any
// other tool the call is claimed first, durably: by the claim stage, when nothing
// stands against it any more. A claim without a result then
// means that the call may have been made, and nobody can say whether it took
// effect: it is not made again.
//
// Who has found out otherwise that such a call took no effect says so by [WithAgain]:
// then it is made under its key as if it had not been claimed.
//
// A claim is given up when the tool definitely did nothing: it refused, or was
// out of reach (see mayHaveHappened). The same key can then carry a corrected or
// later call. After an unknown outcome, or a fault of the tool's own, it stays; and so
// does that of an earlier call whose outcome is unknown, whatever became of this one.
//
// A claimed call of a mounted tool that Failed is settled with that failure: the
// same key gets the same answer, and the tool is not called again, since a part of
// the effect may have taken place. Who wants another try says so by a new key.
type once struct {
	ledger  Ledger
	now     func() time.Time
	log     *slog.Logger
	window  window
	flights flights
}

func (s *once) around(next step) step {
	return func(ctx context.Context, a *attempt) Result {
		if a.tool.Effect == tools.Read || a.inDryRun() { // which is not made, so its key stays free
			return next(ctx, a)
		}
		return s.keyed(ctx, a, next)
	}
}

// keyed makes a call under its key, or under one that it is given.
func (s *once) keyed(ctx context.Context, a *attempt, next step) Result {
	if !a.ownKey && !s.window.covers(a) {
		a.Key = rand.Text()
		return next(tools.WithKey(ctx, a.Key), a)
	}
	sum := digest(a.arguments)
	if !a.ownKey {
		a.Key, a.window = sameCall(a.Tool, sum), &s.window
	} else if err := checkKey(a.Key); err != nil {
		return a.refuse("once", "unusable key", err)
	}
	key := flightKey{principal: a.Principal.String(), key: a.Key}
	call, first := s.flights.join(key, a.Tool, sum)
	if !first {
		return s.wait(ctx, a, call, sum)
	}
	a.recorded = func(final Result) { s.flights.land(key, call, final) }
	// From here on a caller that goes away changes nothing: a claim must not be
	// left behind by a call that was never made.
	return s.first(context.WithoutCancel(ctx), a, sum, next)
}

// first makes the call, unless the ledger knows an earlier one.
func (s *once) first(ctx context.Context, a *attempt, sum string, next step) Result {
	prior, err := s.ledger.Lookup(ctx, a.Principal.String(), a.Key)
	if err != nil {
		s.log.Error("looking up an idempotency key", "tool", a.Tool, "principal", a.Principal.String(), "run", a.Run, "error", err)
		return a.refuse("once", "the ledger is out of order", tools.Errorf(tools.Unavailable,
			"earlier calls could not be looked up, so the call was not made; nothing was changed. Try again later."))
	}
	a.sum = sum
	if a.window != nil && a.claimAt(s.now()).Outdates(prior) {
		prior = Prior{State: Fresh}
	}
	if answer, known := answered(ctx, a, prior, s.now()); known {
		return answer
	}
	a.first = prior.State == Fresh && a.needsClaim()
	result := next(tools.WithKey(ctx, backendKey(a, sum, prior.At)), a)
	if a.decision == Repeated {
		return result // another process had settled it meanwhile
	}
	claimed, doubtful := a.claimed || prior.State == Started, prior.State == Started && !again(ctx)
	outcome, settled := result.Output, result.Err == nil
	switch {
	case settled || !claimed:
	case a.tool.Mounted && result.Err.Code == tools.Failed:
		outcome, settled = failure(result.Err), true
	default:
		settled = !mayHaveHappened(result.Err) && !doubtful // with no outcome: given up
	}
	if settled {
		a.settlement = &Settlement{
			Principal: a.Principal.String(), Key: a.Key, Tool: a.Tool, Digest: sum,
			Result: outcome, At: s.now(),
		}
	}
	return result
}

// recall is the result that was stored for an earlier call.
func recall(a *attempt, stored json.RawMessage) Result {
	if a.tool.Mounted {
		return mountedResult(stored)
	}
	return Result{Output: stored}
}

// answered answers by what the ledger knows of an earlier call under the key, if that
// forbids to make it.
func answered(ctx context.Context, a *attempt, prior Prior, now time.Time) (_ Result, known bool) {
	switch {
	case prior.State == Fresh:
	case prior.Tool != a.Tool || prior.Digest != a.sum:
		return conflict(a, prior.Tool), true
	case prior.State == Settled && a.window != nil:
		result := recall(a, prior.Result)
		result.Note = a.window.note(prior.At, now)
		return a.repeat("the same call was made before", result), true
	case prior.State == Settled:
		return a.repeat("the key was used before", recall(a, prior.Result)), true
	case !a.tool.Idempotent && !again(ctx):
		return a.inDoubt(prior), true
	}
	return Result{}, false
}

// inDoubt refuses a call of which an earlier one was begun and never settled.
func (a *attempt) inDoubt(earlier Prior) Result {
	what := "an earlier call under this idempotency key was started, and what became of it is not known"
	if a.window != nil {
		what = fmt.Sprintf("the same call was started at %s, and what became of it is not known. A call that is meant to be another one needs a key of its own in _meta %q",
			stamp(earlier.At), MetaKey)
	}
	return a.refuse("once", "an earlier call under the key was never settled", unknownOutcome(a, what))
}

// wait answers with the result of the same call that is being made right now.
func (s *once) wait(ctx context.Context, a *attempt, call *flight, sum string) Result {
	if call.tool != a.Tool || call.digest != sum {
		return conflict(a, call.tool)
	}
	select {
	case <-call.done:
		result := call.result
		if a.window != nil {
			result.Note = a.window.note(time.Time{}, s.now())
		}
		return a.repeat("the same call was under way", result)
	case <-ctx.Done():
		return a.refuse("once", "cancelled while the same call was under way", tools.Errorf(tools.Unavailable,
			"the wait was cancelled; the call that was under way goes on. Ask again in the same way for its result."))
	}
}

func conflict(a *attempt, earlier string) Result {
	what := "with other arguments"
	if earlier != a.Tool {
		what = fmt.Sprintf("for %s", earlier)
	}
	return a.refuse("once", "the key was used "+what, tools.Errorf(tools.Conflict,
		"this idempotency key was used before, %s. A key stands for one call: use a new one for a new call.", what))
}

func checkKey(key string) *tools.Error {
	invisible := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(key) > MaxKey || strings.ContainsFunc(key, invisible) {
		return tools.Errorf(tools.Invalid, "the idempotency key must be 1 to %d visible ASCII characters", MaxKey)
	}
	return nil
}

// backendKey is the key that the backend sees. The keys of runs are hashes that
// the runtime minted, unique everywhere, and go through as they are. Other callers
// choose theirs freely: two of them may choose the same one, and a backend, which
// knows no principals, must not give one the other's result. That of the window names a
// call again and again, each time another: they differ by when they were claimed.
func backendKey(a *attempt, sum string, claimed time.Time) string {
	if a.Principal.Kind == auth.Agent {
		return a.Key
	}
	parts := []string{a.Principal.String(), a.Key, a.Tool, sum}
	if a.window != nil {
		parts = append(parts, strconv.FormatInt(claimed.UnixMilli(), 10))
	}
	hash := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return "db_" + hex.EncodeToString(hash[:])
}
