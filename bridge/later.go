package bridge

import (
	"fmt"
	"time"

	"drawbridge/bridge/openai"
)

// LateAnswer is the entry by which a run that waits for an answer gets it: appended to
// its journal, after which [Bridge.Run] goes on as if the model had just said it.
func LateAnswer(run string, entries []Entry, answer openai.Answer, at time.Time) (Entry, error) {
	h, err := waitingForAnswer(run, entries)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Seq: h.last + 1, Kind: EntryAnswer, At: at, Body: encode(answer)}
	return e, h.apply(e)
}

// LateFailure is the outcome of a run that waits for an answer and gets none. The
// detail is what else there is to say about the reason.
func LateFailure(run string, entries []Entry, reason Reason, detail string) (Outcome, error) {
	h, err := waitingForAnswer(run, entries)
	if err != nil {
		return Outcome{}, err
	}
	return *h.failed(reason, detail), nil
}

// waitingForAnswer replays a run whose last question has no answer.
func waitingForAnswer(run string, entries []Entry) (*history, error) {
	h, err := replay(run, entries)
	if err != nil {
		return nil, err
	}
	if h.last == 0 || h.outcome != nil || h.open() != nil {
		return nil, fmt.Errorf("the run %q waits for no answer", run)
	}
	if outcome, _ := h.judge(); outcome != nil {
		return nil, fmt.Errorf("the run %q has its last answer", run)
	}
	return h, nil
}
