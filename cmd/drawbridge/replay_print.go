package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"drawbridge/bridge"
	"drawbridge/bridge/replay"
	"drawbridge/server/dispatch"
)

// replayView is a replay beside its run, as the command prints it.
type replayView struct {
	Agent string         `json:"agent"`
	State dispatch.State `json:"state"`
	// Asked are the models that are asked, in this order; none if the recorded answers
	// are given.
	Asked     []string        `json:"asked"`
	As        string          `json:"as"` // the agent that it is replayed as
	Changed   []replayChange  `json:"changed"`
	Functions replayFunctions `json:"functions"`
	Notes     []string        `json:"notes,omitempty"`
	replay.Report
}

func (p replayPlan) view(stored storedRun, report replay.Report) replayView {
	v := replayView{Agent: stored.run.Agent, State: stored.run.State, Asked: []string{}, As: p.agent, Changed: append([]replayChange{}, p.changed...),
		Functions: p.offered, Notes: p.notes, Report: report}
	if p.asks {
		v.Asked = append(append(v.Asked, p.brief.Model), p.brief.Fallback...)
	}
	return v
}

// changedBrief says what a run is given otherwise.
func changedBrief(was, now bridge.Brief) []replayChange {
	var changed []replayChange
	add := func(what, recorded, replayed string) {
		if recorded != replayed {
			changed = append(changed, replayChange{what, recorded, replayed})
		}
	}
	add("agent", was.Agent, now.Agent)
	add("model", strings.Join(append([]string{was.Model}, was.Fallback...), ", else "), strings.Join(append([]string{now.Model}, now.Fallback...), ", else "))
	add("instructions", was.Instructions, now.Instructions)
	add("prompt", lastWords(was), lastWords(now))
	add("budget", budgetWords(was.Budget), budgetWords(now.Budget))
	add("output", string(was.Output), string(now.Output))
	add("window", fmt.Sprint(was.Window), fmt.Sprint(now.Window))
	return changed
}

// lastWords are what the run was asked.
func lastWords(b bridge.Brief) string {
	if b.Conversation == nil {
		return b.Prompt
	}
	for _, m := range slices.Backward(b.Conversation.Messages) {
		if m.Role == "user" {
			text := m.Content
			for _, part := range m.Parts {
				text += string(part)
			}
			return text
		}
	}
	return ""
}

func budgetWords(b bridge.Budget) string {
	text := fmt.Sprintf("%d turns, %d calls, %d tokens, %s", b.Turns, b.Calls, b.Tokens, b.Wall)
	if b.Cost > 0 {
		text += ", " + cost(bridge.Usage{Cost: b.Cost, Currency: b.Currency})
	}
	return text
}

// replayPrinter prints a comparison for people. - is what was recorded, + what the replay
// has in its place.
type replayPrinter struct {
	*lines
	paint
}

func printReplay(w io.Writer, v replayView) error {
	p := replayPrinter{&lines{w: w}, paintFor(w)}
	p.head(v)
	for _, pair := range v.Turns {
		p.turn(pair)
	}
	p.end(v)
	return p.err
}

func (p replayPrinter) head(v replayView) {
	p.printf("run        %s of agent %s: %s", v.Run, v.Agent, endedAs(v.Recorded))
	if len(v.Asked) == 0 {
		p.printf("answers    as they were recorded; no model is asked")
	} else {
		p.printf("answers    of %s, asked now; what tools return is as it was recorded", strings.Join(v.Asked, ", else "))
	}
	for _, c := range v.Changed {
		p.printf("changed    %s", c.What)
		p.minus("", c.Recorded)
		p.plus("", c.Replayed)
	}
	f := v.Functions
	line := fmt.Sprintf("functions  %d, defined as they were", f.Count)
	if !f.AsThen {
		line = fmt.Sprintf("functions  %d, not all defined as they were", f.Count)
	}
	for _, part := range []struct {
		title string
		names []string
	}{{"not there any more", f.Gone}, {"new", f.New}} {
		if len(part.names) > 0 {
			line += fmt.Sprintf("; %s: %s", part.title, strings.Join(part.names, ", "))
		}
	}
	p.printf("%s", line)
	for _, note := range v.Notes {
		p.printf("note       %s", note)
	}
	p.printf("")
	if slices.Contains(v.Differs, replay.BeforeDiffer) {
		p.printf("before     %s", p.bad("different"))
		p.asides(v.Recorded.Before, v.Replayed.Before)
	}
}

func (p replayPrinter) turn(pair replay.Pair) {
	verdict := p.good("same")
	if !pair.Same {
		verdict = p.bad("different: " + differing(pair.Differs))
	}
	p.printf("turn %-5d %s  %s", pair.Number, verdict, p.dim(tokensOf(pair)))
	has := func(d replay.Difference) bool { return slices.Contains(pair.Differs, d) }
	switch {
	case has(replay.MissingTurn):
		p.minus("", spoken(*pair.Recorded))
	case has(replay.NewTurn):
		p.plus("", spoken(*pair.Replayed))
	case has(replay.Words), has(replay.Finish):
		p.minus("", spoken(*pair.Recorded))
		p.plus("", spoken(*pair.Replayed))
	}
	for _, c := range pair.Calls {
		p.call(c)
	}
	if has(replay.Then) {
		p.asides(pair.Recorded.Then, pair.Replayed.Then)
	}
}

// spoken is what the model said in a turn.
func spoken(t replay.Turn) string {
	text := t.Words
	if t.Refusal != "" {
		text += "(declined) " + t.Refusal
	}
	if t.Finish != "stop" && t.Finish != "tool_calls" {
		text += fmt.Sprintf(" (ended by %s)", t.Finish)
	}
	return text
}

func (p replayPrinter) call(c replay.CallPair) {
	name := p.bold(oneLine(c.Function, 80))
	switch c.Is {
	case replay.SameCall:
		p.printf("         = %s %s%s", name, oneLine(c.Recorded.Arguments, 100), p.dim(whence(c.Replayed)))
	case replay.OtherResult:
		p.printf("         = %s %s", name, oneLine(c.Recorded.Arguments, 100))
		p.minus("    returned ", returned(*c.Recorded))
		p.plus("    returned ", returned(*c.Replayed))
	case replay.OtherArguments:
		p.printf("         ~ %s%s", name, whence(c.Replayed))
		for _, change := range c.Changes {
			p.change(change)
		}
	case replay.MissingCall:
		p.printf("         %s %s %s%s", p.bad("-"), name, oneLine(c.Recorded.Arguments, 100), elsewhere("missing", c))
	case replay.NewCall:
		p.printf("         %s %s %s%s%s", p.good("+"), name, oneLine(c.Replayed.Arguments, 100), elsewhere("new", c), whence(c.Replayed))
	}
}

func elsewhere(what string, c replay.CallPair) string {
	if c.Elsewhere == 0 {
		return "  (" + what + ")"
	}
	return fmt.Sprintf("  (%s here, made in turn %d of the other)", what, c.Elsewhere)
}

// whence says where a result comes from, where that is not the call itself.
func whence(c *replay.Call) string {
	switch c.Source {
	case replay.NotRecorded:
		return "  (never recorded: not made, and the model is told so)"
	case replay.Again:
		return "  (made once more than it was: the last result again)"
	}
	return ""
}

func returned(c replay.Call) string {
	switch {
	case !c.Returned:
		return "nothing: the run was broken off"
	case c.IsError:
		return strings.TrimSpace("error: "+string(c.Code)) + " " + c.Result
	}
	return c.Result
}

func (p replayPrinter) change(c replay.Change) {
	path := cmp.Or(c.Path, "all of it")
	switch {
	case c.Recorded == nil:
		p.printf("             %s: %s %s", path, p.good("+"), oneLine(string(c.Replayed), 200))
	case c.Replayed == nil:
		p.printf("             %s: %s %s", path, p.bad("-"), oneLine(string(c.Recorded), 200))
	default:
		p.printf("             %s: %s -> %s", path, oneLine(string(c.Recorded), 200), oneLine(string(c.Replayed), 200))
	}
}

func (p replayPrinter) asides(recorded, replayed []replay.Aside) {
	for _, a := range recorded {
		p.minus("then, "+string(a.Kind)+": ", a.Text)
	}
	for _, a := range replayed {
		p.plus("then, "+string(a.Kind)+": ", a.Text)
	}
}

func (p replayPrinter) minus(title, text string) { p.block(p.bad("-"), title, text) }
func (p replayPrinter) plus(title, text string)  { p.block(p.good("+"), title, text) }

// block prints a text below a mark, as far as somebody reads it; --json has all of it.
func (p replayPrinter) block(mark, title, text string) {
	const mostLines, mostWide = 12, 160
	all := strings.Split(strings.TrimRight(printable(text), "\n"), "\n")
	for i, line := range all {
		if i == mostLines {
			p.printf("           ... %d lines more", len(all)-i)
			return
		}
		if runes := []rune(line); len(runes) > mostWide {
			line = string(runes[:mostWide-1]) + "…"
		}
		if i == 0 {
			p.printf("         %s %s%s", mark, title, line)
		} else {
			p.printf("           %s", line)
		}
	}
}

func (p replayPrinter) end(v replayView) {
	if slices.Contains(v.Differs, replay.OutcomeIs) {
		p.printf("end        %s", p.bad("different"))
		p.minus("", endedAs(v.Recorded)+answerOf(v.Recorded))
		p.plus("", endedAs(v.Replayed)+answerOf(v.Replayed))
	} else {
		p.printf("end        %s  %s", p.good("same"), endedAs(v.Recorded))
	}
	p.printf("used       then %s\n           now  %s\n", used(v.Recorded.Usage), used(v.Replayed.Usage))
	if v.Same {
		p.printf("%s", p.good("no difference"))
		return
	}
	turns := 0
	for _, pair := range v.Turns {
		if !pair.Same {
			turns++
		}
	}
	text := fmt.Sprintf("%d of %d turns differ", turns, len(v.Turns))
	if v.NotRecorded > 0 {
		text += fmt.Sprintf("; calls that were never recorded, and not made: %d", v.NotRecorded)
	}
	p.printf("%s", p.bad(text))
}

func endedAs(s replay.Side) string {
	if s.Outcome == nil {
		return "no end: " + oneLine(s.Stopped, 300)
	}
	return fmt.Sprintf("%s (%s)", s.Outcome.Status, s.Outcome.Reason)
}

func answerOf(s replay.Side) string {
	if s.Outcome == nil || s.Outcome.Answer == "" {
		return ""
	}
	return ": " + s.Outcome.Answer
}

// tokensOf says what both turns took.
func tokensOf(pair replay.Pair) string {
	one := func(t *replay.Turn) string {
		if t == nil {
			return "nothing"
		}
		text := fmt.Sprintf("%d tokens in, %d out", t.Usage.Prompt, t.Usage.Completion)
		if t.Currency != "" {
			text += ", " + cost(bridge.Usage{Cost: t.Cost, Currency: t.Currency})
		}
		return text
	}
	then, now := one(pair.Recorded), one(pair.Replayed)
	if then == now {
		return then
	}
	return "then " + then + "; now " + now
}

func differing(list []replay.Difference) string {
	text := make([]string, len(list))
	for i, d := range list {
		text[i] = string(d)
	}
	return strings.Join(text, ", ")
}
