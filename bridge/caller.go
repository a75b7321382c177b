package bridge

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"drawbridge/bridge/openai"
)

// demand is what a run's caller asks for beside what was said: functions of its
// own, and how the model is to answer.
type demand struct {
	functions []openai.Function
	params    openai.Params
	turns     int // answered before the params came
}

func (d *demand) take(i *Input, turns int) {
	if i.Functions != nil {
		d.functions = i.Functions
	}
	if i.Params != nil {
		d.params, d.turns = *i.Params, turns
	}
}

func (d *demand) has(function string) bool {
	return slices.ContainsFunc(d.functions, func(f openai.Function) bool { return f.Name == function })
}

// mute reports whether the caller wants no calls at all.
func (d *demand) mute() bool { return string(d.params.ToolChoice) == `"none"` }

// ClientCallID names a call that is the caller's to make, for the caller: by its run,
// the sequence number of the answer, and its place in it. No other run has it. It is
// short: the chat API takes ids of up to 40 characters, and the caller may well show
// the conversation to another endpoint.
func ClientCallID(run string, seq int64, index int) string {
	name := strings.TrimPrefix(run, "run_")
	if id, err := hex.DecodeString(name); err == nil && len(id) == runBytes && strings.ToLower(name) == name {
		name = base64.RawURLEncoding.EncodeToString(id)
	}
	return fmt.Sprintf("call_%s_%d_%d", name, seq, index)
}

// runBytes is how many bytes the name of a run stands for, in hexadecimal digits.
// Only tests have others.
const runBytes = 16

// ClientCall reads what [ClientCallID] wrote, and reports whether it did.
func ClientCall(id string) (run string, seq int64, index int, ok bool) {
	rest, first := strings.CutPrefix(id, "call_")
	rest, place, second := cutLast(rest, "_")
	name, answer, third := cutLast(rest, "_")
	seq, err := strconv.ParseInt(answer, 10, 64)
	index, err2 := strconv.Atoi(place)
	if !first || !second || !third || name == "" || err != nil || err2 != nil {
		return "", 0, 0, false
	}
	if raw, err := base64.RawURLEncoding.DecodeString(name); err == nil && len(raw) == runBytes {
		name = hex.EncodeToString(raw)
	}
	if run = "run_" + name; ClientCallID(run, seq, index) != id {
		return "", 0, 0, false
	}
	return run, seq, index, true
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// OpenCalls are the calls that a run waits for its caller to make, under the ids
// that the caller knows them by. There are none if it does not wait for that.
func OpenCalls(run string, entries []Entry) ([]openai.Call, error) {
	h, err := replay(run, entries)
	if err != nil {
		return nil, err
	}
	var out []openai.Call
	for _, c := range h.callersTurn() {
		out = append(out, openai.Call{ID: ClientCallID(run, h.lastTurn().seq, c.index), Name: c.asked.Name, Arguments: c.asked.Arguments})
	}
	return out, nil
}

// callersTurn are the open calls of a run in which nothing is left to do but what is
// the caller's to do.
func (h *history) callersTurn() []*call {
	t := h.open()
	if t == nil || h.outcome != nil || t.clipped() || h.demand.mute() || len(ours(t.unanswered())) > 0 {
		return nil
	}
	return t.unanswered()
}

// ours are those of the calls that are not the caller's.
func ours(calls []*call) []*call {
	return slices.DeleteFunc(slices.Clone(calls), func(c *call) bool { return c.theirs })
}

// AnswerCalls gives the entries that a caller's answer adds to a run that waits for it:
// the results of exactly the calls that are open, by the ids of [OpenCalls], and what
// else the caller brings, of which only what is new is kept. What the caller asks for
// and cannot have is a *[ConversationError].
func AnswerCalls(run string, entries []Entry, results map[string]string, input Input, at time.Time) ([]Entry, error) {
	h, err := replay(run, entries)
	if err != nil {
		return nil, err
	}
	open := h.callersTurn()
	if len(open) == 0 {
		return nil, errors.New("answering the calls of a run: it does not wait for any")
	}
	var out []Entry
	note := func(kind EntryKind, body any) {
		out = append(out, Entry{Seq: h.last + 1 + int64(len(out)), Kind: kind, At: at, Body: encode(body)})
	}
	left := len(results)
	for _, c := range open {
		id := ClientCallID(run, h.lastTurn().seq, c.index)
		content, given := results[id]
		if !given {
			return nil, fmt.Errorf("answering the calls of a run: no result for the call %q", id)
		}
		left--
		note(EntryResult, Result{Answer: h.lastTurn().seq, Index: c.index, CallID: c.id, Code: CallersCall, Taints: true, Content: content})
	}
	if left > 0 {
		return nil, errors.New("answering the calls of a run: there is a result of a call that is not open")
	}
	if err := h.check(input); err != nil {
		return nil, err
	}
	if input = h.demand.news(input); len(input.Messages) > 0 || input.Functions != nil || input.Params != nil {
		note(EntryInput, input)
	}
	return out, nil
}

// check refuses what a caller asks for behind the beginning, as far as the journal
// shows that it cannot be had.
func (h *history) check(i Input) error {
	c := Conversation{Functions: i.Functions}
	if i.Functions == nil {
		c.Functions = h.demand.functions
	}
	if i.Params != nil {
		c.Params = *i.Params
	}
	return h.brief.check(c)
}

// news is what of an input is not as it was. A choice of functions counts for one
// question only, so that the same one is said anew.
func (d *demand) news(i Input) Input {
	if i.Functions != nil && string(encode(i.Functions)) == string(encode(d.functions)) {
		i.Functions = nil
	}
	if i.Params != nil && i.Params.ToolChoice == nil && string(encode(i.Params)) == string(encode(d.params)) {
		i.Params = nil
	}
	return i
}
