package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
)

// sender is a backend that can only send, and answers as it is told.
type sender struct {
	got        []Mail
	err        error
	idempotent bool
}

func (s *sender) Send(_ context.Context, m Mail) (Receipt, error) {
	s.got = append(s.got, m)
	return Receipt{ID: "1"}, s.err
}
func (s *sender) Idempotent() bool { return s.idempotent }

// everything is a backend with all parts, whose answers are empty or err.
type everything struct{ sender }

func (e *everything) CreateDraft(context.Context, Mail) (Receipt, error) { return Receipt{}, e.err }
func (e *everything) SendDraft(context.Context, string) (Receipt, error) { return Receipt{}, e.err }
func (e *everything) Schedule(context.Context, Mail, time.Time) (Receipt, error) {
	return Receipt{}, e.err
}
func (e *everything) CancelScheduled(context.Context, string) (Receipt, error) {
	return Receipt{}, e.err
}
func (e *everything) ListTemplates(context.Context, tools.Page) (TemplateList, error) {
	return TemplateList{}, e.err
}
func (e *everything) SendTemplate(context.Context, string, map[string]string, Mail) (Receipt, error) {
	return Receipt{}, e.err
}
func (e *everything) SearchMessages(context.Context, Filter) (MessageList, error) {
	return MessageList{}, e.err
}
func (e *everything) GetMessage(context.Context, string) (Message, error) { return Message{}, e.err }

var content = Content{Recipients: Recipients{To: []string{"ada@example.com"}}, Subject: "s", Text: "t"}

func TestToolsAreThoseTheBackendCanServe(t *testing.T) {
	var got []string
	for _, tool := range Tools(New(&sender{})) {
		got = append(got, tool.Name)
	}
	if diff := cmp.Diff([]string{ToolSend}, got); diff != "" {
		t.Errorf("tools of a mere sender (-want +got):\n%s", diff)
	}
	e := New(&sender{})
	_, err := e.CreateDraft(t.Context(), content)
	if tools.CodeOf(err) != tools.Denied || !strings.Contains(err.Error(), ToolCreateDraft) {
		t.Errorf("a draft on a mere sender gives %v, want denied, naming the tool", err)
	}
}

func TestEachToolHasItsEffect(t *testing.T) {
	type traits struct {
		Effect                                     tools.Effect
		Idempotent, Destructive, Taints, OpenWorld bool
	}
	got := map[string]traits{}
	for _, tool := range Tools(New(&everything{sender{idempotent: true}})) {
		got[tool.Name] = traits{tool.Effect, tool.Idempotent, tool.Destructive, tool.Taints, tool.OpenWorld}
	}
	out := traits{Effect: tools.Message, Idempotent: true, OpenWorld: true}
	want := map[string]traits{
		"email_send": out, "email_send_draft": out, "email_schedule": out, "email_send_template": out,
		"email_create_draft":     {Effect: tools.Write, Idempotent: true},
		"email_cancel_scheduled": {Effect: tools.Write, Idempotent: true, Destructive: true},
		"email_list_templates":   {Effect: tools.Read, Idempotent: true},
		"email_search_messages":  {Effect: tools.Read, Idempotent: true, Taints: true},
		"email_get_message":      {Effect: tools.Read, Idempotent: true, Taints: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	for _, tool := range Tools(New(&everything{})) {
		if tool.Idempotent != (tool.Effect == tools.Read) {
			t.Errorf("%s: idempotent is %t, of a backend that ignores keys", tool.Name, tool.Idempotent)
		}
	}
}

func TestEveryPropertyIsDescribed(t *testing.T) {
	for _, tool := range Tools(New(&everything{})) {
		for name, schema := range map[string]json.RawMessage{"input": tool.Input, "output": tool.Output} {
			var root map[string]any
			if err := json.Unmarshal(schema, &root); err != nil {
				t.Fatal(err)
			}
			mustDescribe(t, tool.Name+" "+name, root)
		}
	}
}

func mustDescribe(t *testing.T, path string, schema map[string]any) {
	t.Helper()
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		inner, _ := property.(map[string]any)
		if text, _ := inner["description"].(string); !strings.HasSuffix(text, ".") {
			t.Errorf("%s.%s has the description %q, want a sentence", path, name, text)
		}
		mustDescribe(t, path+"."+name, inner)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		mustDescribe(t, path+"[]", items)
	}
}

func TestBackendSeesOnlyCheckedMail(t *testing.T) {
	s := &sender{}
	in := content
	in.Subject, in.Text = "  Hello ", "a\r\nb\rc\n\n"
	if _, err := New(s).Send(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if got := s.got[0]; got.Subject != "Hello" || got.Text != "a\nb\nc" {
		t.Errorf("backend got %+v", got)
	}
	in.To = nil
	for i := range MaxRecipients + 1 {
		in.To = append(in.To, fmt.Sprintf("ada%d@example.com", i))
	}
	_, err := New(s).Send(t.Context(), in)
	if tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), "51 recipients") {
		t.Errorf("51 recipients give %v", err)
	}
	if len(s.got) != 1 {
		t.Error("backend got mail that was refused")
	}
}

// calls is every tool's function.
func calls(e *Email) map[string]func(ctx context.Context) error {
	ref := MessageRef{ID: "1"}
	return map[string]func(ctx context.Context) error{
		ToolSend:        func(ctx context.Context) error { _, err := e.Send(ctx, content); return err },
		ToolCreateDraft: func(ctx context.Context) error { _, err := e.CreateDraft(ctx, content); return err },
		ToolSendDraft:   func(ctx context.Context) error { _, err := e.SendDraft(ctx, ref); return err },
		ToolSchedule: func(ctx context.Context) error {
			_, err := e.Schedule(ctx, ScheduleInput{Content: content, SendAt: "2026-03-02T09:30:00Z"})
			return err
		},
		ToolCancelScheduled: func(ctx context.Context) error { _, err := e.CancelScheduled(ctx, ref); return err },
		ToolListTemplates:   func(ctx context.Context) error { _, err := e.ListTemplates(ctx, TemplatePage{}); return err },
		ToolSendTemplate: func(ctx context.Context) error {
			_, err := e.SendTemplate(ctx, TemplateMail{Recipients: content.Recipients, Template: "x"})
			return err
		},
		ToolSearch: func(ctx context.Context) error { _, err := e.Search(ctx, SearchInput{}); return err },
		ToolGet:    func(ctx context.Context) error { _, err := e.Get(ctx, ref); return err },
	}
}

func TestDriverErrorsAreMapped(t *testing.T) {
	driver := &everything{sender{idempotent: true}}
	e := New(driver)
	for name, call := range calls(e) {
		reads := name == ToolListTemplates || name == ToolSearch || name == ToolGet
		cut := tools.OutcomeUnknown
		if reads {
			cut = tools.Unavailable
		}
		for _, test := range []struct {
			err  error
			want tools.Code
		}{
			{nil, ""},
			{NoMessage("id", "1"), tools.NotFound},
			{io.ErrUnexpectedEOF, tools.Internal},
			{fmt.Errorf("writing: %w", context.DeadlineExceeded), cut},
			{context.Canceled, cut},
			{tools.Errorf(tools.Unavailable, "not reached: %w", context.DeadlineExceeded), tools.Unavailable},
		} {
			driver.err = test.err
			err := call(t.Context())
			if got := tools.CodeOf(err); got != test.want {
				t.Errorf("%s: driver's %v gives %v, want code %q", name, test.err, err, test.want)
			}
			if test.want == tools.Internal && (!errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), name)) {
				t.Errorf("%s: the log gets %v, want the tool and the cause", name, err)
			}
		}
	}
}

func TestInterruptedWriteMayBeRepeatedUnderItsKeyAlone(t *testing.T) {
	for _, test := range []struct {
		idempotent bool
		key        string
		want       bool
	}{{true, "k", true}, {true, "", false}, {false, "k", false}} {
		e := New(&sender{err: context.Canceled, idempotent: test.idempotent})
		_, err := e.Send(tools.WithKey(t.Context(), test.key), content)
		if got := tools.AsError(err).Retryable; got != test.want {
			t.Errorf("idempotent %t, key %q: retryable is %t, want %t", test.idempotent, test.key, got, test.want)
		}
	}
}

func TestTooManyVariablesAreRefused(t *testing.T) {
	variables := map[string]string{}
	for i := range MaxVariables + 1 {
		variables[fmt.Sprint(i)] = "x"
	}
	_, err := New(&everything{}).SendTemplate(t.Context(), TemplateMail{Recipients: content.Recipients, Template: "x", Variables: variables})
	if tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), "variables: has 51") {
		t.Errorf("got %v", err)
	}
}

func TestWrongStatusSaysWhatToDo(t *testing.T) {
	for is, words := range map[Status]string{
		Sent: "already gone out", Cancelled: "write it anew", Draft: "goes nowhere", Scheduled: ToolCancelScheduled, Received: "in_reply_to",
	} {
		if err := WrongStatus("msg_1", is, Draft); tools.CodeOf(err) != tools.Conflict || !strings.Contains(err.Error(), words) {
			t.Errorf("%s gives %v, want a conflict saying %q", is, err, words)
		}
	}
}

func TestSnippetIsOneShortLine(t *testing.T) {
	if got := Snippet("  a\n\n b\tc "); got != "a b c" {
		t.Errorf("snippet is %q", got)
	}
	got := Snippet(strings.Repeat("é", 5000))
	if want := strings.Repeat("é", 159) + "…"; got != want {
		t.Errorf("snippet of a long word is %q", got)
	}
}
