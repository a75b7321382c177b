package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
	"drawbridge/tools/notify"
	"drawbridge/tools/notify/slack/slackfake"
)

// inSlack is a run whose call needs an approval, of which people are told in Slack.
type inSlack struct {
	*noticed
	slack   *slackfake.Server
	channel string
}

func newInSlack(t *testing.T, store testStore, arrange func(*slackfake.Server)) inSlack {
	t.Helper()
	fake := slackfake.New(t)
	channel := fake.Open(slackfake.Channel{Name: "approvals", Private: true, Member: true})
	fake.Join(slackfake.Person{ID: "U0ADA00", Name: "Ada"})
	fake.Join(slackfake.Person{ID: "U0FAY00", Name: "Fay"})
	fake.Join(slackfake.Person{ID: "U0DAN00", Name: "Dan", Email: "dan@example.com"})
	fake.Join(slackfake.Person{ID: "U0CID00", Name: "Cid", Email: "cid@example.com"})
	fake.Join(slackfake.Person{ID: "U0EVE00", Name: "Eve", Email: "cid@example.com", Unconfirmed: true})
	fake.Join(slackfake.Person{ID: "U0GUEST", Name: "Guest", Email: "cid@example.com", Guest: true})
	fake.Join(slackfake.Person{ID: "U0OTHER", Name: "Other", Email: "cid@example.com", Team: "T0OTHER01"})
	if arrange != nil {
		arrange(fake)
	}
	n := newNoticed(t, store, fmt.Sprintf(`slack: {channel: %s, signing_secret: %q, deciders: ["slack:U0ADA00", "slack:U0FAY00", "mail:cid@example.com"]}`, channel, slackfake.SigningSecret),
		fmt.Sprintf("  notify: {backend: slack, token: %q, base_url: %q}\n", slackfake.Token, fake.URL))
	n.how = "slack"
	return inSlack{n, fake, channel}
}

// shown are the messages in the channel that everybody sees.
func (s inSlack) shown() (all []slackfake.Message) {
	for _, m := range s.slack.Messages(s.channel) {
		if m.Only == "" {
			all = append(all, m)
		}
	}
	return all
}

// await waits until so many messages stand in the channel and each shows a text.
func (s inSlack) await(count int, text string) []slackfake.Message {
	s.t.Helper()
	s.slack.Await(fmt.Sprintf("%d messages that show %q", count, text), func() bool {
		all := s.shown()
		for _, m := range all {
			if !strings.Contains(m.Blocks, text) {
				return false
			}
		}
		return len(all) == count
	})
	return s.shown()
}

func (s inSlack) address() string { return s.server.base + "/slack/interactions" }

// whispered has somebody press a button, and wants them alone to be told something.
func (s inSlack) whispered(user string, r slackfake.Signed, text string) {
	s.t.Helper()
	before := len(s.slack.Whispers(s.channel, user))
	if status := s.slack.Send(s.address(), r); status != http.StatusOK {
		s.t.Errorf("%s pressed a button: %d", user, status)
	}
	s.slack.Await(user+" to be told something", func() bool { return len(s.slack.Whispers(s.channel, user)) > before })
	if all := s.slack.Whispers(s.channel, user); !strings.Contains(all[before], text) {
		s.t.Errorf("%s is told %q, want %q", user, all[before], text)
	}
}

// TestButtonInSlackDecides: strangers, guests, forgers, and whoever asked for the call press
// in vain, and are told so; a decider presses, the run goes on, and the message shows it.
func TestButtonInSlackDecides(t *testing.T) {
	for _, store := range testStores() {
		for button, approve := range map[string]bool{"Approve": true, "Deny": false} {
			t.Run(store.name+"/"+button, func(t *testing.T) {
				t.Parallel()
				s := newInSlack(t, store, nil)
				m := s.await(1, "Approval needed: far__put")[0]
				for _, text := range []string{"agent:desk", "key:front", s.run, "every write", "it changes something", `\"id\": \"a\"`} {
					if !strings.Contains(m.Blocks, text) {
						t.Errorf("the message does not show %q: %s", text, m.Blocks)
					}
				}
				press := func(user string) slackfake.Signed {
					return s.slack.Press(slackfake.Click{User: user, Channel: s.channel, TS: m.TS, Button: button, Note: "ask her first"})
				}
				for _, user := range []string{"U0DAN00", "U0EVE00", "U0GUEST", "U0OTHER"} {
					s.whispered(user, press(user), "not among those who may decide")
				}
				s.whispered("U0FAY00", press("U0FAY00"), "asked for the call")
				forged := press("U0ADA00")
				forged.Signature = "v0=" + strings.Repeat("0", 64)
				old := s.slack.Sign(press("U0ADA00").Body, time.Now().Add(-6*time.Minute))
				for name, r := range map[string]slackfake.Signed{"forged": forged, "old": old} {
					if status := s.slack.Send(s.address(), r); status != http.StatusUnauthorized {
						t.Errorf("a request that is %s: %d", name, status)
					}
				}
				if a := s.approval(); a.State != guard.ApprovalPending || len(a.Decisions) != 0 {
					t.Fatalf("it is %+v", a)
				}
				decided, late := press("U0ADA00"), press("U0CID00")
				if status := s.slack.Send(s.address(), decided); status != http.StatusOK {
					t.Errorf("deciding: %d", status)
				}
				if status := s.slack.Send(s.address(), decided); status != http.StatusUnauthorized {
					t.Errorf("the same request once more: %d", status)
				}
				s.goesOn("slack:U0ADA00", approve, "ask her first")
				title := map[bool]string{true: "Approved: far__put", false: "Denied: far__put"}[approve]
				if got := s.await(1, title)[0]; strings.Contains(got.Blocks, "action_id") || !strings.Contains(got.Blocks, "U0ADA00") {
					t.Errorf("the message shows %s", got.Blocks)
				}
				s.whispered("U0CID00", s.slack.Sign(late.Body, time.Now()), "waits for nobody any more")
				if a := s.approval(); len(a.Decisions) != 1 {
					t.Errorf("it is %+v", a)
				}
				s.server.stop(t)
			})
		}
	}
}

// TestMessageInSlackSurvivesAKill: the server dies while Slack has its message and it has
// not heard so. Another message comes, and shows what a confirmed address decides; so does
// the first, once its button is pressed.
func TestMessageInSlackSurvivesAKill(t *testing.T) {
	t.Parallel()
	for _, store := range testStores() {
		t.Run(store.name, func(t *testing.T) {
			t.Parallel()
			hung := make(chan struct{})
			s := newInSlack(t, store, func(fake *slackfake.Server) {
				fake.Disturb("chat.postMessage", slackfake.Disturbance{Effect: true, Hang: true, Hung: hung})
			})
			select {
			case <-hung:
			case <-time.After(parkingPatience):
				t.Fatal("nothing was posted")
			}
			s.server.kill(t)
			s.serve()
			all := s.await(2, "Approval needed: far__put")
			orphan := s.slack.Press(slackfake.Click{User: "U0ADA00", Channel: s.channel, TS: all[0].TS, Button: "Deny"})
			if status := s.slack.Send(s.address(), s.slack.Press(slackfake.Click{User: "U0CID00", Channel: s.channel, TS: all[1].TS, Button: "Approve"})); status != http.StatusOK {
				t.Errorf("deciding: %d", status)
			}
			s.goesOn("mail:cid@example.com", true, "-")
			s.slack.Await("the message that is known to show it", func() bool { return strings.Contains(s.shown()[1].Blocks, "Approved: far__put") })
			s.whispered("U0ADA00", s.slack.Sign(orphan.Body, time.Now()), "waits for nobody any more")
			s.await(2, "Approved: far__put")
			s.server.stop(t)
		})
	}
}

// TestMessageInSlackShowsWhatHappenedElsewhere: a decision at the command line, and the end
// of the run.
func TestMessageInSlackShowsWhatHappenedElsewhere(t *testing.T) {
	store := testStores()[0]
	t.Run("decided", func(t *testing.T) {
		t.Parallel()
		s := newInSlack(t, store, nil)
		s.await(1, "Approval needed: far__put")
		if out, errText, code := command(t, "approvals", "deny", s.approval().ID, "--note", "not today", "-c", s.file); code != 0 {
			t.Fatalf("deciding: %s %s", out, errText)
		}
		if m := s.await(1, "Denied: far__put")[0]; !strings.Contains(m.Blocks, "(command)") || !strings.Contains(m.Blocks, "not today") {
			t.Errorf("the message shows %s", m.Blocks)
		}
		s.server.stop(t)
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		s := newInSlack(t, store, nil)
		s.await(1, "Approval needed: far__put")
		if status, _, text := sendAs(t, http.MethodPost, s.server.base+"/v1/runs/"+s.run+"/cancel", frontKey, ""); status != http.StatusOK && status != http.StatusAccepted {
			t.Fatalf("cancelling: %d %s", status, text)
		}
		if m := s.await(1, "Withdrawn: far__put")[0]; strings.Contains(m.Blocks, "action_id") {
			t.Errorf("the message shows %s", m.Blocks)
		}
		s.server.stop(t)
	})
}

// withSlack is a program whose colleagues are told by a fake of Slack's.
func withSlack(t *testing.T) (*app, *slackfake.Server) {
	t.Helper()
	fake := slackfake.New(t)
	cfg := config.Default()
	cfg.Tools.Notify = config.NotifyBackend{Backend: "slack", Token: slackfake.Token, BaseURL: fake.URL}
	a, err := newToolApp(t.Context(), temporary(t, cfg), appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(t.Context()) })
	return a, fake
}

// A message whose answer was lost is not posted a second time: the same call under its key
// says again that nobody knows, and a person decides.
func TestMessageToSlackWhoseAnswerWasLostIsPostedOnce(t *testing.T) {
	a, fake := withSlack(t)
	channel := fake.Open(slackfake.Channel{Name: "orders", Member: true})
	desk := auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"*"}, Effects: everyEffect}
	call := guard.Call{Principal: desk, Door: auth.DoorHTTP, Tool: notify.ToolPost, Key: "late-order-1042", Arguments: json.RawMessage(`{"channel":"#orders","text":"Order 1042 is late."}`)}
	fake.Disturb("chat.postMessage", slackfake.Disturbance{Effect: true, Status: http.StatusBadGateway, Body: "<html>"})
	for range 2 {
		if lost := a.guard.Call(t.Context(), call); lost.Err == nil || lost.Err.Code != tools.OutcomeUnknown || lost.Err.Retryable {
			t.Fatalf("the call whose answer was lost: %v", lost.Err)
		}
	}
	if all := fake.Messages(channel); len(all) != 1 {
		t.Errorf("in the channel stand %+v", all)
	}
	for _, tool := range a.catalog.All() {
		if strings.HasPrefix(tool.Name, "notify_") && tool.Inward {
			t.Errorf("%s is taken for the store's own", tool.Name)
		}
	}
}

func TestColleaguesAreToldNothingWithoutTheSetting(t *testing.T) {
	a, err := newToolApp(t.Context(), temporary(t, config.Default()), appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(t.Context()) })
	for _, tool := range a.catalog.All() {
		if strings.HasPrefix(tool.Name, "notify_") {
			t.Errorf("%s is there", tool.Name)
		}
	}
}

// Rules and replays see the tools as the settings make them, with nobody behind them.
func TestToolsOfSlackAreDefinedAsTheSettingsSay(t *testing.T) {
	for external, want := range map[bool]tools.Effect{false: tools.Write, true: tools.Message} {
		tool, known := definitions(config.Tools{Notify: config.NotifyBackend{Backend: "slack", External: external}}).Lookup(notify.ToolPost)
		if !known || tool.Effect != want {
			t.Errorf("external %t: known %t, with the effect %s", external, known, tool.Effect)
		}
		if _, err := tool.Call(t.Context(), json.RawMessage(`{"channel":"orders","text":"x"}`)); tools.CodeOf(err) != tools.Unavailable {
			t.Errorf("called it gives %v", err)
		}
	}
	if _, known := definitions(config.Tools{}).Lookup(notify.ToolPost); known {
		t.Error("it is there without the setting")
	}
}

// What was read anew is what Slack is shown, and what its requests are judged by.
func TestSecretsOfSlackThatWereReadAnewCount(t *testing.T) {
	fake := slackfake.New(t)
	channel := fake.Open(slackfake.Channel{Name: "orders", Member: true})
	settings := func(token, signing string) *config.Config {
		cfg := config.Default()
		cfg.Tools.Notify = config.NotifyBackend{Backend: "slack", Token: config.Secret(token), BaseURL: fake.URL}
		cfg.Approvals.Notify.Slack = &config.ApprovalSlack{Channel: channel, SigningSecret: config.Secret(signing), Deciders: []string{"slack:U0ADA00"}}
		return cfg
	}
	a, base := served(t, temporary(t, settings("xoxb-old-0123456789", "old-signing-secret-0123456789")))
	tool, _ := a.catalog.Lookup(notify.ToolPost)
	posts := func() error {
		_, err := tool.Call(t.Context(), json.RawMessage(`{"channel":"orders","text":"x"}`))
		return err
	}
	heard := func() int {
		return fake.Send(base+"/slack/interactions", fake.Sign("payload=%7B%22type%22%3A%22view_closed%22%7D", time.Now()))
	}
	if err, status := posts(), heard(); tools.CodeOf(err) != tools.Denied || status != http.StatusUnauthorized {
		t.Fatalf("with old secrets: %v, %d", err, status)
	}
	next := settings(slackfake.Token, slackfake.SigningSecret)
	if later, err := a.renew(next, []string{"tools.notify.token", "approvals.notify.slack.signing_secret"}); err != nil || len(later) != 0 {
		t.Fatalf("renewing leaves %q (%v)", later, err)
	}
	if err, status := posts(), heard(); err != nil || status != http.StatusOK {
		t.Errorf("with new secrets: %v, %d", err, status)
	}
}
