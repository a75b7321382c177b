package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/openaitest"
)

func TestLongRunStaysInItsWindowAndForgetsNothingThatMatters(t *testing.T) {
	const window = 9000
	c := newClerk(t, 40)
	c.agent.Window = window
	if got := c.run(); got.Answer != "All seen." || got.Usage.Turns != 41 {
		t.Fatalf("outcome %+v", got)
	}
	folds, summaries := c.kinds(bridge.EntryFold), c.kinds(bridge.EntrySummary)
	if folds == 0 || summaries == 0 {
		t.Fatalf("%d folds, %d summaries: the run did not fill its window", folds, summaries)
	}
	moved := 0
	questions := c.questions()
	for i, q := range questions {
		if tokens := promptTokens(q); tokens > window*3/4 {
			t.Errorf("question %d has %d tokens of %d", i+1, tokens, window)
		}
		if !slices.ContainsFunc(q.Messages, func(m openaitest.Message) bool { return m.Role == "user" && m.Text == "Please see to pi_7." }) {
			t.Errorf("question %d lacks the prompt", i+1)
		}
		for turn := i; turn > max(2, i-2); turn-- {
			if !strings.Contains(string(q.Body), fmt.Sprintf(`\"text\":\"thing_%d 3481\"`, turn)) {
				t.Errorf("question %d lacks what turn %d saw, whole", i+1, turn)
			}
		}
		if i >= 2 {
			body := string(q.Body)
			for _, want := range []string{"re_815", "ada@example.com", "outcome_unknown: it is not known whether this call of mail took effect", "the mail server hung up"} {
				if !strings.Contains(body, want) {
					t.Errorf("question %d lacks %q", i+1, want)
				}
			}
		}
		if i > 0 && q.Shared < len(questions[i-1].Prompt)-1 {
			moved++
		}
	}
	if moved > folds+summaries {
		t.Errorf("the beginning of the question changed %d times, with %d folds and %d summaries", moved, folds, summaries)
	}
	if moved*4 > len(questions) {
		t.Errorf("the beginning of the question changed %d times in %d turns", moved, len(questions))
	}
	if diff := cmp.Diff(1, len(c.effects)-1); diff != "" {
		t.Errorf("effects %v", c.effects)
	}
}

func TestSummaryCoversTheOneBefore(t *testing.T) {
	c := newClerk(t, 40)
	n := 0
	c.summary = func(q openaitest.Request) openaitest.Reply {
		if text := q.Last().Text; n > 0 && !strings.Contains(text, fmt.Sprintf("summary number %d", n)) {
			t.Errorf("the question for summary %d lacks the one before", n+1)
		} else if n > 0 && strings.Contains(text, `"thing_3 3481"`) {
			t.Errorf("the question for summary %d goes over the first turns again", n+1)
		}
		n++
		return openaitest.Say(fmt.Sprintf("This is summary number %d.", n))
	}
	c.run()
	if n < 2 {
		t.Fatalf("%d summaries, want some more", n)
	}
	last := string(c.questions()[40].Body)
	if !strings.Contains(last, fmt.Sprintf("summary number %d", n)) || strings.Contains(last, fmt.Sprintf("summary number %d", n-1)) {
		t.Error("the last question does not hold the last summary alone")
	}
}

func TestSummaryIsPaidForAndInTheJournal(t *testing.T) {
	c := newClerk(t, 18)
	c.summary = func(openaitest.Request) openaitest.Reply {
		return openaitest.Say("S", openaitest.Uses(openaitest.Usage{Prompt: 1_000_000, Completion: 7}))
	}
	c.agent.Budget.Tokens = 50_000_000
	got := c.run()
	summaries := bodies[bridge.Summary](c.world, bridge.EntrySummary)
	if len(summaries) == 0 || summaries[0].Text != "S" || summaries[0].Asked.Usage.Completion != 7 {
		t.Fatalf("journaled %+v", summaries)
	}
	if got.Usage.PromptTokens < 1_000_000*len(summaries) || got.Usage.Turns != 19 {
		t.Errorf("usage %+v with %d summaries", got.Usage, len(summaries))
	}
}

func TestSummaryThatCannotBeHadNowParksTheRun(t *testing.T) {
	c := newClerk(t, 18)
	c.summary = func(openaitest.Request) openaitest.Reply {
		return openaitest.Fail(503, openaitest.Header("Retry-After", "77"))
	}
	got := c.run()
	if got.Status != bridge.Waiting || got.Reason != bridge.ModelUnavailable || got.RetryAfter.Seconds() != 77 {
		t.Fatalf("outcome %+v", got)
	}
	c.summary = nil
	if got := c.run(); got.Answer != "All seen." {
		t.Errorf("later: %+v", got)
	}
}

func TestSummaryThatCannotBeHadAtAllIsTakenFromTheJournal(t *testing.T) {
	for name, reply := range map[string]openaitest.Reply{
		"refused by the server": openaitest.Fail(400),
		"declined":              openaitest.Decline("No."),
		"blank":                 openaitest.Say(" \n"),
	} {
		t.Run(name, func(t *testing.T) {
			c := newClerk(t, 18)
			c.summary = func(openaitest.Request) openaitest.Reply { return reply }
			if got := c.run(); got.Answer != "All seen." {
				t.Fatalf("outcome %+v", got)
			}
			text := bodies[bridge.Summary](c.world, bridge.EntrySummary)[0].Text
			for _, want := range []string{"extract of the journal", "- Asked: Please see to pi_7.", "- Called look: {\"id\":\"thing_1\"}", "- Called refund: "} {
				if !strings.Contains(text, want) {
					t.Errorf("the extract lacks %q:\n%s", want, text)
				}
			}
		})
	}
}

// TestDeathWhereRoomIsMadeComesToTheSameQuestions kills the run before and after
// each append that has to do with a fold or a summary.
func TestDeathWhereRoomIsMadeComesToTheSameQuestions(t *testing.T) {
	begin := func() *clerk {
		c := newClerk(t, 18)
		c.only = true
		return c
	}
	whole := begin()
	task := whole.task()
	journal := &commits{Journal: whole.journal}
	task.Journal = journal
	want, err := bridge.New(whole.model, whole.options).Run(context.Background(), task)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, q := range whole.fake.Requests() {
		known[string(q.Body)] = true
	}
	died := map[string]bool{}
	for n, kinds := range journal.seen {
		if !strings.Contains(kinds, "fold") && !strings.Contains(kinds, "summary") {
			continue
		}
		if died[kinds] {
			continue
		}
		died[kinds] = true
		for _, after := range []bool{false, true} {
			c := begin()
			if _, err := c.life(&mortal{n: n + 1, after: after}); !errors.Is(err, errKilled) {
				t.Fatalf("killed at append %d: %v", n+1, err)
			}
			got := c.run()
			want.Usage.CachedTokens = got.Usage.CachedTokens // what was asked twice is cached
			if diff := cmp.Diff(want, got, ignoreUnexported); diff != "" {
				t.Errorf("killed at append %d, after %v: %s", n+1, after, diff)
			}
			for _, q := range c.fake.Requests() {
				if !known[string(q.Body)] {
					t.Fatalf("killed at append %d, after %v, then asked what a whole life would not have:\n%.20000s", n+1, after, q.Body)
				}
			}
		}
	}
	if !died["fold summary"] || len(died) < 2 {
		t.Errorf("died at %v only", died)
	}
}

func TestPromptThatCannotFitIsNamed(t *testing.T) {
	c := newClerk(t, 3)
	task := c.task()
	task.Prompt = strings.Repeat("All of this has to be read. ", 2000)
	got, err := bridge.New(c.model, c.options).Run(context.Background(), task)
	if err != nil || got.Status != bridge.Failed || got.Reason != bridge.ContextFull {
		t.Fatalf("outcome %+v, %v", got, err)
	}
	if want := "it has room for 4500 tokens beside the answer, and what cannot be left out takes about 16"; !strings.Contains(got.Answer, want) ||
		!strings.Contains(got.Answer, "(what was asked 16") {
		t.Errorf("answer %q", got.Answer)
	}
	if n := len(c.fake.Requests()); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestManyResultsAtOnceAreShownShorter(t *testing.T) {
	c := newClerk(t, 1)
	c.fake.Func(func(q openaitest.Request) openaitest.Reply {
		if q.Turn() > 1 {
			return openaitest.Say("All seen.")
		}
		var calls []openaitest.ToolCall
		for i := range 20 {
			calls = append(calls, openaitest.ToolCall{Name: "look", Arguments: fmt.Sprintf(`{"id":"thing_%d"}`, i)})
		}
		return openaitest.Calls(calls)
	})
	if got := c.run(); got.Answer != "All seen." {
		t.Fatalf("outcome %+v", got)
	}
	last := c.questions()[1]
	if tokens := promptTokens(last); tokens > window*3/4 || tokens < window/4 {
		t.Errorf("the question has %d tokens of %d", tokens, window)
	}
	for _, m := range last.Messages[3:] {
		if !strings.Contains(m.Text, "folded; whole with read_result and the handle r2.") || len(m.Text) < 300 {
			t.Errorf("shown %q", m.Text)
		}
	}
}

func TestModelWithASmallerWindowThanSaidIsAskedForLess(t *testing.T) {
	c := newClerk(t, 30)
	c.agent.Window = 64_000
	most := 0
	c.fake.Func(func(q openaitest.Request) openaitest.Reply {
		if len(q.Body) > 24_000 {
			return openaitest.Fail(400, openaitest.ErrorIs("invalid_request_error", "context_length_exceeded", "This model's maximum context length is 6000 tokens."))
		}
		most = max(most, len(q.Body))
		return c.reply(q)
	})
	if got := c.run(); got.Answer != "All seen." {
		t.Fatalf("outcome %+v", got)
	}
	if c.kinds(bridge.EntryFold) == 0 || most < 12_000 {
		t.Errorf("%d folds; at most %d bytes were taken", c.kinds(bridge.EntryFold), most)
	}
}

// talk is a conversation of so many exchanges, each of about 130 tokens.
func talk(exchanges int) *bridge.Conversation {
	c := &bridge.Conversation{Messages: []openai.Message{{Role: openai.System, Content: "Answer in the caller's own words."}}}
	for i := range exchanges {
		c.Messages = append(c.Messages,
			openai.Message{Role: openai.User, Content: fmt.Sprintf("Question %d. ", i) + strings.Repeat("And what else is there? ", 10)},
			openai.Message{Role: openai.Assistant, Calls: []openai.Call{{ID: fmt.Sprintf("call_%d", i), Name: "theirs", Arguments: `{}`}}},
			openai.Message{Role: openai.Tool, CallID: fmt.Sprintf("call_%d", i), Content: "Looked up."},
			openai.Message{Role: openai.Assistant, Content: strings.Repeat("There is this too. ", 10)})
	}
	c.Messages = append(c.Messages, openai.Message{Role: openai.User, Content: "The last question?"})
	return c
}

func TestOldMessagesOfTheCallerAreSummarized(t *testing.T) {
	c := newClerk(t, 3)
	c.summary = func(q openaitest.Request) openaitest.Reply {
		if !strings.Contains(q.Last().Text, "Question 0.") || strings.Contains(q.Last().Text, "The last question?") {
			t.Errorf("asked for a summary of %q", q.Last().Text)
		}
		return openaitest.Say("They talked of much.")
	}
	task := c.task()
	task.Conversation = talk(60)
	got, err := bridge.New(c.model, c.options).Run(context.Background(), task)
	if err != nil || got.Answer != "All seen." {
		t.Fatalf("outcome %+v, %v", got, err)
	}
	summaries := bodies[bridge.Summary](c.world, bridge.EntrySummary)
	if len(summaries) != 1 || summaries[0].Messages < 40 || summaries[0].Messages > 220 || summaries[0].Upto != 1 {
		t.Fatalf("journaled %+v", summaries)
	}
	for _, q := range c.questions() {
		roles := ""
		for _, m := range q.Messages[:3] {
			roles += m.Role + " "
		}
		if roles != "system system user " || !strings.HasSuffix(q.Messages[2].Text, "They talked of much.") {
			t.Errorf("begins with %s%q", roles, q.Messages[2].Text)
		}
		if q.Messages[3].Role != "user" {
			t.Errorf("goes on with a message of the %s", q.Messages[3].Role)
		}
		if body := string(q.Body); !strings.Contains(body, "The last question?") || !strings.Contains(body, "Question 59.") || strings.Contains(body, "Question 0.") {
			t.Error("does not hold the newer messages and only them")
		}
	}
}

// An image that a tool returned, as small as one can be.
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

func (c *clerk) chart() {
	c.tool("chart", bridge.Read, true, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent("Sales:"), mcp.NewImageContent(pixel, "image/png")}}, nil
	})
	c.fake.Func(func(q openaitest.Request) openaitest.Reply {
		if len(bodies[openai.Answer](c.world, bridge.EntryAnswer)) > 0 {
			return openaitest.Say("Sales are up.")
		}
		return openaitest.Calls([]openaitest.ToolCall{{Name: "chart", Arguments: `{}`}, {Name: "look", Arguments: `{"id":"x"}`}})
	})
}

func TestImagesOfResultsFollowThemInAMessageOfTheirOwn(t *testing.T) {
	c := newClerk(t, 1)
	c.chart()
	c.agent.Images = true
	c.run()
	q := c.questions()[1]
	var roles []string
	for _, m := range q.Messages {
		roles = append(roles, m.Role)
	}
	if diff := cmp.Diff([]string{"system", "user", "assistant", "tool", "tool", "user"}, roles); diff != "" {
		t.Fatal(diff)
	}
	if got := q.Messages[3].Text; got != "Sales:\n[image 1]\n[images with this result: 1, shown below]" {
		t.Errorf("the result says %q", got)
	}
	shown := q.Last()
	if len(shown.Parts) != 3 || !strings.Contains(shown.Text, "Image 1 of the result of chart (r2.0):") {
		t.Fatalf("shown %s", shown.Raw)
	}
	if want := `{"type":"image_url","image_url":{"url":"data:image/png;base64,` + pixel + `","detail":"auto"}}`; string(shown.Parts[2]) != want {
		t.Errorf("shown %s", shown.Parts[2])
	}
	var journaled strings.Builder
	for _, e := range c.entries() {
		journaled.Write(e.Body)
	}
	if n := strings.Count(journaled.String(), pixel); n != 1 {
		t.Errorf("the image is in the journal %d times", n)
	}
}

func TestModelThatTakesNoImagesIsToldOfThem(t *testing.T) {
	c := newClerk(t, 1)
	c.chart()
	c.run()
	q := c.questions()[1]
	if got, _ := q.Result("chart"); got != "Sales:\n[image 1]\n[images with this result: 1, which cannot be shown here]" || strings.Contains(string(q.Body), pixel) {
		t.Errorf("the result says %q", got)
	}
}

// report is a tool that returns a picture and a document.
func (c *clerk) report() {
	c.chart()
	c.tool("chart", bridge.Read, true, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewImageContent(pixel, "image/png"),
			mcp.NewEmbeddedResource(mcp.BlobResourceContents{URI: "drive:///2026/Sales%20of%20May.pdf", MIMEType: "application/octet-stream", Blob: pdf("sales")})}}, nil
	})
}

// TestDocumentsOfResultsAreSentToModelsThatTakeFiles: whatever else a model takes.
func TestDocumentsOfResultsAreSentToModelsThatTakeFiles(t *testing.T) {
	const image, file = "Image 1 of the result of chart (r2.0):", "File 2 of the result of chart (r2.0):"
	for _, api := range []openai.API{openai.Chat, openai.Responses} {
		for _, images := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, images %v", api, images), func(t *testing.T) {
				c := newClerk(t, 1)
				c.report()
				c.agent.Files, c.agent.Images = true, images
				c.model = openai.NewModels([]openai.ModelSettings{{Name: c.agent.Model, Model: "gpt-5", BaseURL: c.fake.URL(), APIKey: "k", API: api}}, openai.ModelsOptions{})
				if got := c.run(); got.Reason != bridge.Answered {
					t.Fatalf("outcome %+v", got)
				}
				q := c.questions()[1]
				fate, want := "which cannot be shown here", 3
				if images {
					fate, want = "shown below", 5
				}
				result := "[image 1]\n[file 2, application/pdf: drive:///2026/Sales%20of%20May.pdf]\n[images with this result: 1, " + fate + "]\n[files with this result: 1, shown below]"
				if got, _ := q.Result("chart"); got != result {
					t.Errorf("the result says %q", got)
				}
				shown := q.Last()
				if len(shown.Parts) != want || strings.Contains(shown.Text, image) != images || !strings.Contains(shown.Text, file) {
					t.Fatalf("shown %s", shown.Parts)
				}
				data := `"filename":"Sales of May.pdf","file_data":"data:application/pdf;base64,` + pdf("sales") + `"`
				part := `{"type":"file","file":{` + data + `}}`
				if api == openai.Responses {
					part = `{"file_data":"data:application/pdf;base64,` + pdf("sales") + `","filename":"Sales of May.pdf","type":"input_file"}`
				}
				if got := string(shown.Parts[len(shown.Parts)-1]); got != part {
					t.Errorf("sent %s, want %s", got, part)
				}
			})
		}
	}
}

func TestModelThatTakesNoFilesIsToldOfThem(t *testing.T) {
	c := newClerk(t, 1)
	c.report()
	c.agent.Images = true
	c.run()
	q := c.questions()[1]
	if got, _ := q.Result("chart"); !strings.HasSuffix(got, "\n[images with this result: 1, shown below]\n[files with this result: 1, which cannot be shown here]") {
		t.Errorf("the result says %q", got)
	}
	if len(q.Last().Parts) != 3 || strings.Contains(string(q.Body), pdf("sales")) {
		t.Errorf("shown %s", q.Last().Parts)
	}
}

func TestModelReadsOneValueOfALongResult(t *testing.T) {
	c := newClerk(t, 1)
	c.options.ResultLimit = 500
	c.fake.Func(func(q openaitest.Request) openaitest.Reply {
		switch shown, _ := q.Result("look"); q.Turn() {
		case 1:
			return openaitest.Call("look", `{"id":"x"}`)
		case 2:
			if want := "read on with read_result from offset 500, or by a path into this JSON object: its keys are id, lines]"; !strings.HasSuffix(shown, want) {
				t.Errorf("shown %q", shown)
			}
			return openaitest.Call("read_result", `{"handle":"r2.0","path":"lines[59].text","offset":null,"length":null}`)
		}
		read, _ := q.Result("read_result")
		return openaitest.Say(read)
	})
	if got := c.run(); got.Answer != "\"x 3481\"\n[bytes 0 to 8 of 8 of the value at lines[59].text in the result r2.0]" {
		t.Errorf("answer %q", got.Answer)
	}
}
