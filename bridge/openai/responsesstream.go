package openai

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	wire "github.com/sashabaranov/go-openai"
)

// responsesEvent is what is read of an event of the Responses API. The text of
// reasoning is a sign of life and no part of the answer.
type responsesEvent struct {
	Type        wire.ResponseStreamEventType `json:"type"`
	OutputIndex int                          `json:"output_index"`
	Delta       loose                        `json:"delta"`
	Text        string                       `json:"text"`
	Refusal     string                       `json:"refusal"`
	Arguments   string                       `json:"arguments"`
	Item        *outputItem                  `json:"item"`
	Response    *response                    `json:"response"`
	Error       *serverSaid                  `json:"error"`
	// Of an error that is not set apart.
	Code    loose `json:"code"`
	Message loose `json:"message"`
}

// response is the whole, as the last event has it, or an answer in one piece.
type response struct {
	ID         string              `json:"id"`
	Model      string              `json:"model"`
	Status     wire.ResponseStatus `json:"status"`
	Output     []outputItem        `json:"output"`
	Usage      *wire.ResponseUsage `json:"usage"`
	Error      *serverSaid         `json:"error"`
	Incomplete *struct {
		Reason string `json:"reason"`
	} `json:"incomplete_details"`
}

// outputItem is go-openai's ResponseOutputItem and what that leaves out.
type outputItem struct {
	wire.ResponseOutputItem
	Summary   json.RawMessage `json:"summary"`
	Encrypted string          `json:"encrypted_content"`
	Phase     string          `json:"phase"`
}

// responsesAnswer puts an answer together from the events of the Responses API.
type responsesAnswer struct {
	hear     func(string)
	by       string // whose the items are
	response *response
	items    map[int]*growing
	over     bool
}

// growing is one item of the output as far as it has come.
type growing struct {
	outputItem
	text, refusal, arguments strings.Builder
}

// add takes one event's value. Its error is what the server says went wrong.
func (a *responsesAnswer) add(_ string, raw json.RawMessage) error {
	var e responsesEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		return err
	}
	switch e.Type {
	case "":
		return a.addWhole(raw, e)
	case wire.ResponseStreamEventOutputItemAdded, wire.ResponseStreamEventOutputItemDone:
		if e.Item != nil {
			a.item(e.OutputIndex).take(*e.Item, a.hear)
		}
	case wire.ResponseStreamEventOutputTextDelta:
		a.item(e.OutputIndex).say(string(e.Delta), a.hear)
	case wire.ResponseStreamEventRefusalDelta:
		a.item(e.OutputIndex).refusal.WriteString(string(e.Delta))
	case wire.ResponseStreamEventFunctionArgumentsDelta:
		a.item(e.OutputIndex).arguments.WriteString(string(e.Delta))
	case wire.ResponseStreamEventFunctionArgumentsDone:
		set(&a.item(e.OutputIndex).arguments, e.Arguments)
	case wire.ResponseStreamEventCompleted, wire.ResponseStreamEventIncomplete, wire.ResponseStreamEventFailed:
		return a.end(e.Response)
	case wire.ResponseStreamEventError:
		if e.Error != nil {
			return e.Error
		}
		return &serverSaid{Code: e.Code, Message: e.Message}
	}
	return nil
}

// addWhole takes an answer that came in one piece.
func (a *responsesAnswer) addWhole(raw json.RawMessage, e responsesEvent) error {
	if e.Error != nil && e.Error.Message != "" {
		return e.Error
	}
	var whole response
	if err := json.Unmarshal(raw, &whole); err != nil {
		return err
	}
	return a.end(&whole)
}

// end takes the whole response. What it repeats has come before, if it was streamed.
func (a *responsesAnswer) end(r *response) error {
	switch {
	case r == nil:
		return &serverSaid{Message: "it ended without a response"}
	case r.Error != nil:
		return r.Error
	case r.Status == wire.ResponseStatusFailed, r.Status == wire.ResponseStatusCancelled:
		return &serverSaid{Message: loose("the response is " + string(r.Status))}
	}
	a.response, a.over = r, true
	for i, item := range r.Output {
		a.item(i).take(item, a.hear)
	}
	return nil
}

func (a *responsesAnswer) item(index int) *growing {
	if a.items == nil {
		a.items = map[int]*growing{}
	}
	if a.items[index] == nil {
		a.items[index] = &growing{}
	}
	return a.items[index]
}

func (a *responsesAnswer) begun() bool    { return len(a.items) > 0 }
func (a *responsesAnswer) finished() bool { return a.over }
func (a *responsesAnswer) complete() bool { return a.over }

// take takes over what an item says of itself, at its beginning or at its end.
func (g *growing) take(item outputItem, hear func(string)) {
	g.outputItem = item
	set(&g.arguments, item.Arguments)
	var text, refusal string
	for _, part := range item.Content {
		if item.Type == itemMessage {
			text += part.Text
			refusal += part.Refusal
		}
	}
	set(&g.refusal, refusal)
	if rest, ok := strings.CutPrefix(text, g.text.String()); ok {
		g.say(rest, hear)
	}
}

func (g *growing) say(text string, hear func(string)) {
	if text != "" {
		g.text.WriteString(text)
		hear(text)
	}
}

// summary is the item's, a list even if there is none.
func (g *growing) summary() json.RawMessage {
	if len(g.Summary) == 0 || string(g.Summary) == "null" {
		return json.RawMessage("[]")
	}
	return g.Summary
}

// set replaces what has come of a text by the whole of it.
func set(b *strings.Builder, whole string) {
	if whole != "" {
		b.Reset()
		b.WriteString(whole)
	}
}

// answer gives what came, once the response is over.
func (a *responsesAnswer) answer() (Answer, error) {
	switch {
	case len(a.items) == 0:
		return Answer{}, errNoChoice
	case !a.over:
		return Answer{}, io.ErrUnexpectedEOF
	}
	out := Answer{ID: a.response.ID, Model: a.response.Model, Usage: responsesUsage(a.response.Usage)}
	var items []keptItem
	reasoned := false
	for _, index := range slices.Sorted(maps.Keys(a.items)) {
		g := a.items[index]
		item := keptItem{Type: g.Type, ID: g.ID}
		switch g.Type {
		case itemMessage:
			out.Content += g.text.String()
			out.Refusal += g.refusal.String()
			item.Size, item.Phase = g.text.Len(), g.Phase
		case itemCall:
			out.Calls = append(out.Calls, Call{ID: g.CallID, Name: g.Name, Arguments: g.arguments.String()})
		case itemReasoning:
			item.Summary, item.Encrypted = g.summary(), g.Encrypted
			if g.Encrypted == "" {
				continue // nobody kept it, so that nobody knows its id
			}
			reasoned = true
		default:
			continue
		}
		items = append(items, item)
	}
	out.Finish = a.finish(len(out.Calls) > 0)
	if reasoned && out.Refusal == "" {
		out.Items = keep(items, a.by)
	}
	return out, nil
}

func (a *responsesAnswer) finish(calls bool) Finish {
	switch {
	case a.response.Status != wire.ResponseStatusIncomplete:
		return finishOf("", calls)
	case a.response.Incomplete != nil && a.response.Incomplete.Reason == string(FinishFiltered):
		return FinishFiltered
	}
	return FinishLength
}

func keep(items []keptItem, by string) []json.RawMessage {
	var out []json.RawMessage
	for _, item := range items {
		raw, err := encode(kept{by, item})
		if err != nil {
			return nil // without them the answer is as good, if dearer
		}
		out = append(out, raw)
	}
	return out
}

func responsesUsage(u *wire.ResponseUsage) Usage {
	if u == nil {
		return Usage{}
	}
	out := Usage{Prompt: u.InputTokens, Completion: u.OutputTokens}
	if u.InputTokensDetails != nil {
		out.Cached = u.InputTokensDetails.CachedTokens
	}
	if u.OutputTokensDetails != nil {
		out.Reasoning = u.OutputTokensDetails.ReasoningTokens
	}
	return out.sane()
}
