package bridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge/openai"
)

// shownAs is a view in a few words.
func shownAs(messages []openai.Message) []string {
	var out []string
	for _, m := range messages {
		text := string(m.Role) + ": " + m.Content
		for _, c := range m.Calls {
			text += " calls " + c.Name
		}
		out = append(out, text)
	}
	return out
}

func TestViewIsTheConversationInItsOrder(t *testing.T) {
	r := lifeOf(Brief{Instructions: "Work.", ResultLimit: 1000, Conversation: &Conversation{Messages: []openai.Message{
		{Role: openai.System, Content: "Be short."}, {Role: openai.User, Content: "Hello."}, {Role: openai.Assistant, Content: "Hi."}, {Role: openai.User, Content: "Look."},
	}}}, nil)
	r.note(EntryNote, Note{Why: NoteBudget, Text: "Come to an end."})
	r.turn(openai.Usage{}, Result{Content: "seen"})
	r.note(EntryInput, Input{Messages: []openai.Message{{Role: openai.User, Content: "And that?"}}})
	r.note(EntryAnswer, openai.Answer{Content: " \n"})
	r.note(EntryNote, Note{Why: NoteEmpty, Text: "It was empty."})
	want := []string{
		"system: Work.", "system: Be short.", "user: Hello.", "assistant: Hi.", "user: Look.",
		"user: [From the runtime, not from the user] Come to an end.",
		"assistant: Let me see. calls look", "tool: seen", "user: And that?",
		"user: [From the runtime, not from the user] It was empty.",
	}
	if diff := cmp.Diff(want, shownAs(r.history.view())); diff != "" {
		t.Error(diff)
	}
}

func TestCallsThatHaveNotComeBackAreNotShown(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Look.", ResultLimit: 1000}, nil)
	r.note(EntryAnswer, openai.Answer{Calls: []openai.Call{{Name: "a"}, {Name: "b"}}})
	if diff := cmp.Diff([]string{"user: Look."}, shownAs(r.history.view())); diff != "" {
		t.Error(diff)
	}
	r.note(EntryResult, Result{Answer: 2, Index: 1, Content: "seen"})
	if diff := cmp.Diff([]string{"user: Look.", "assistant:  calls b", "tool: seen"}, shownAs(r.history.view())); diff != "" {
		t.Error(diff)
	}
}

func TestItemsOfAnAnswerAreGivenBackWithIt(t *testing.T) {
	items := []json.RawMessage{json.RawMessage(`{"type":"reasoning","id":"rs_1"}`)}
	r := lifeOf(Brief{Prompt: "Look.", ResultLimit: 1000}, nil)
	r.note(EntryAnswer, openai.Answer{Content: "Seen.", Items: items})
	if diff := cmp.Diff(items, r.history.view()[1].Items); diff != "" {
		t.Error(diff)
	}
}

func TestWhatWasFoldedToALineStaysOne(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Look.", ResultLimit: 2000}, nil)
	for i := range 2 {
		r.turn(openai.Usage{}, Result{Content: fmt.Sprint(i) + strings.Repeat("x", 1500)})
	}
	r.note(EntryFold, Fold{Upto: r.history.turns[0].seq})
	r.note(EntryFold, Fold{Upto: r.history.turns[1].seq, Show: 800})
	view := r.history.view()
	if first, last := len(view[2].Content), len(view[4].Content); first > 250 || last < 800 || last > 1000 {
		t.Errorf("shown %d and %d bytes", first, last)
	}
}

// summaryOf is what a model is asked for a summary of a stretch.
func summaryOf(r *run, s stretch) string {
	return r.summaryQuestion(s, r.history.room()).Messages[1].Content
}

func TestQuestionForASummaryHoldsWhatIsToBeSummarizedAndNoMore(t *testing.T) {
	r := lifeOf(Brief{Prompt: "The prompt.", ResultLimit: 1000}, nil)
	for i := range 4 {
		r.turn(openai.Usage{}, Result{Content: fmt.Sprintf("result %d", i)})
		r.note(EntryInput, Input{Messages: []openai.Message{{Role: openai.User, Content: fmt.Sprintf("input %d", i)}}})
	}
	r.note(EntrySummary, Summary{Upto: r.history.turns[0].seq, Text: "The first summary."})
	text := summaryOf(r, stretch{upto: r.history.turns[2].seq})
	for want, in := range map[string]bool{
		"The prompt.": true, "The first summary.": true, "result 0": false, "input 0": false, "result 1": true, "input 1": true,
		"result 2": true, "input 2": true, "result 3": false, "input 3": false,
	} {
		if strings.Contains(text, want) != in {
			t.Errorf("%q is in it: %v, want %v", want, !in, in)
		}
	}
}

func TestQuestionForASummaryOfMessagesGoesOnFromTheOneBefore(t *testing.T) {
	talk := &Conversation{}
	for i := range 6 {
		talk.Messages = append(talk.Messages, openai.Message{Role: openai.User, Content: fmt.Sprintf("message %d", i)})
	}
	talk.Messages[2] = openai.Message{Role: openai.System, Content: "message 2"}
	talk.Messages[3].Content = ""
	talk.Messages[3].Parts = []json.RawMessage{encode(textPart{"text", "message 3"}), encode(imagePart{Type: "image_url"}), json.RawMessage(`{"type":"file","file":{}}`)}
	r := lifeOf(Brief{ResultLimit: 1000, Conversation: talk}, nil)
	r.note(EntrySummary, Summary{Upto: 1, Messages: 1, Text: "The first summary."})
	text := summaryOf(r, stretch{upto: 1, messages: 4})
	for want, in := range map[string]bool{
		"The first summary.": true, "message 0": false, "message 1": true, "message 2": false, "message 3\n[image]\n[file]": true, "message 4": false,
	} {
		if strings.Contains(text, want) != in {
			t.Errorf("%q is in it: %v, want %v", want, !in, in)
		}
	}
	r.note(EntrySummary, Summary{Upto: 1, Messages: 4, Text: "The second summary."})
	want := []string{
		"system: message 2",
		"user: [From the runtime, not from the user] The first 4 messages of this conversation are not shown any more. Summary of them:\nThe second summary.",
		"user: message 4", "user: message 5",
	}
	if diff := cmp.Diff(want, shownAs(r.history.view())); diff != "" {
		t.Error(diff)
	}
}

func TestStretchOfMessagesEndsBeforeOneOfTheUser(t *testing.T) {
	say := func(role openai.Role, words int) openai.Message {
		return openai.Message{Role: role, Content: strings.Repeat("word ", words)}
	}
	r := lifeOf(Brief{ResultLimit: 1000, Conversation: &Conversation{Messages: []openai.Message{
		say(openai.User, 3000), say(openai.Developer, 9000), say(openai.Assistant, 10), say(openai.User, 3000), say(openai.Assistant, 10), say(openai.User, 3000), say(openai.Assistant, 3000),
	}}}, nil)
	for save, want := range map[int]stretch{
		100:    {upto: 1, messages: 3, tokens: 3028}, // the developer's words stay
		1900:   {upto: 1, messages: 3, tokens: 3028},
		2100:   {upto: 1, messages: 5, tokens: 6056},
		99_999: {upto: 1, messages: 5, tokens: 6056},
	} {
		if got := r.oldMessages(save); got != want {
			t.Errorf("to save %d: %+v, want %+v", save, got, want)
		}
	}
}

func TestSummaryIsWorthItForATenthOfTheRoomOrWhereNothingElseHelps(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Look.", ResultLimit: 8000}, nil)
	for i := range 4 {
		r.turn(openai.Usage{}, Result{Content: fmt.Sprint(i) + strings.Repeat(" word", 700)})
	}
	for limit, want := range map[int]bool{3000: true, 10_000: false} { // it saves 400 to 500 tokens
		if s, worth := r.oldest(limit, roomOf(limit)); worth != want {
			t.Errorf("in a room of %d: %+v, %v", limit, s, worth)
		}
		if s, worth := r.oldest(limit+1, roomOf(limit)); !worth {
			t.Errorf("in a room of %d that is too small: %+v", limit, s)
		}
	}
}

func TestSummaryThatIsTooLongIsClipped(t *testing.T) {
	r := lifeOf(Brief{Prompt: "Look.", Window: 4000, ResultLimit: 1000}, func(openai.Request) (openai.Answer, error) {
		return openai.Answer{Content: strings.Repeat("And so on. ", 1000)}, nil
	})
	for range 3 {
		r.turn(openai.Usage{}, Result{Content: "seen"})
	}
	if outcome, err := r.shorten(t.Context(), stretch{upto: r.history.turns[0].seq}, r.history.room()); outcome != nil || err != nil {
		t.Fatal(outcome, err)
	}
	if text := r.history.summary.Text; len(text) > 1200 || !strings.HasSuffix(text, "bytes more)") {
		t.Errorf("%d bytes: ...%s", len(text), text[len(text)-30:])
	}
}
