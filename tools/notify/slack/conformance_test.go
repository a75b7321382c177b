package slack_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/notify"
	"drawbridge/tools/notify/notifytest"
	"drawbridge/tools/notify/slack"
	"drawbridge/tools/notify/slack/slackfake"
)

// workspace is a backend over a fake workspace, and what people in it do.
type workspace struct {
	*slack.Backend
	fake *slackfake.Server
}

// open makes one. None of its waits takes any time.
func open(t testing.TB, change func(*slack.Settings)) workspace {
	t.Helper()
	fake := slackfake.New(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	settings := slack.Settings{Token: slackfake.Token, URL: fake.URL, Client: &http.Client{Transport: transport}, Pace: 1e6,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	if change != nil {
		change(&settings)
	}
	b, err := slack.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	return workspace{b, fake}
}

func (w workspace) Driver() notify.Driver { return w.Backend }

func (w workspace) AddPerson(_ context.Context, p notifytest.Person) (string, error) {
	return w.fake.Join(slackfake.Person{Name: p.Name, Email: p.Email, Guest: p.Outside, Bot: p.Bot, Deactivated: p.Deactivated}), nil
}

func (w workspace) AddRoom(_ context.Context, r notifytest.Room) (string, error) {
	return w.fake.Open(slackfake.Channel{Name: r.Name, Private: r.Private, Member: !r.Stranger, Archived: r.Archived, Shared: r.Shared, Invited: r.Asked}), nil
}

func (w workspace) Say(_ context.Context, channel, thread, person, text string) (string, error) {
	return w.fake.Say(channel, thread, person, slack.Escape(text)), nil
}

func (w workspace) Delete(_ context.Context, channel, id string) error {
	w.fake.Delete(channel, id)
	return nil
}

func (w workspace) Heard(_ context.Context, channel string) (all []notifytest.Heard, err error) {
	for _, m := range w.fake.Messages(channel) {
		all = append(all, notifytest.Heard{ID: m.TS, Thread: m.Thread, Text: m.Read(), Calls: m.Calls()})
	}
	return all, nil
}

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t *testing.T, traits notify.Traits) notifytest.Harness {
		return open(t, func(s *slack.Settings) { s.Outside, s.Broadcasts = traits.Outside, traits.Broadcasts })
	}).Keep(t, "slack")
}

// call calls a tool.
func (w workspace) call(ctx context.Context, tool string, in map[string]any) (map[string]any, *tools.Error) {
	arguments, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	found, known := tools.NewCatalog(notify.Tools(notify.New(w.Backend))).Lookup(tool)
	if !known {
		panic("no tool " + tool)
	}
	raw, err := found.Call(ctx, arguments)
	if err != nil {
		return nil, tools.AsError(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out, nil
}
