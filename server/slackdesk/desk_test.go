package slackdesk_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/server/guard"
	"drawbridge/server/slackdesk"
	"drawbridge/server/webhook"
)

func TestButtonDecidesAndTheMessageShowsIt(t *testing.T) {
	for action, want := range map[string]guard.ApprovalState{approve: guard.ApprovalGiven, deny: guard.ApprovalDenied} {
		w := newWorld(t, nil)
		m := w.told()
		for _, text := range []string{"Approval needed: payment_create_refund", "agent:desk", "key:front", "run_1", "refunds", "money goes out", `\"payment_id\": \"pi_1\"`, "Approve", "Deny"} {
			if !strings.Contains(m.blocks, text) {
				t.Errorf("the message does not show %q: %s", text, m.blocks)
			}
		}
		if m.channel != "C0APPROVE" || w.notices != 1 {
			t.Errorf("told in %s, with %d notices", m.channel, w.notices)
		}
		status, whispers := w.press("U0ADA", action, " ask her first ")
		if status != http.StatusOK || len(whispers) != 0 {
			t.Errorf("%s: %d, whispered %q", action, status, whispers)
		}
		if d := w.approval.Decisions; w.approval.State != want || len(d) != 1 || d[0].By != "slack:U0ADA" || d[0].Person != "ada" || d[0].How != "slack" || d[0].Note != "ask her first" {
			t.Errorf("%s: it is %+v", action, w.approval)
		}
		m = w.step()
		title := map[string]string{approve: "Approved: payment_create_refund", deny: "Denied: payment_create_refund"}[action]
		if !strings.Contains(m.blocks, title) || !strings.Contains(m.blocks, "ada, ") || !strings.Contains(m.blocks, "U0ADA") || !strings.Contains(m.blocks, "ask her first") || strings.Contains(m.blocks, "action_id") {
			t.Errorf("the message shows %s", m.blocks)
		}
		if len(w.postings) != 0 {
			t.Errorf("kept is %+v", w.postings)
		}
	}
}

func TestDecisionOfAnotherDoorIsShownToo(t *testing.T) {
	w := newWorld(t, func(a *guard.Approval, _ *slackdesk.Options) { a.Terms.Count = 2 })
	w.told()
	if m := w.step(); m.changes != 0 {
		t.Errorf("a message that shows how things stand was changed: %+v", m)
	}
	for i, by := range []guard.Decider{{Name: "key:boss", How: "api"}, {Name: "local:ben", How: "command"}} {
		if _, err := w.DecideApproval(t.Context(), "apr_1", by, guard.ApprovalVerdict{Approve: true, At: w.clock()}); err != nil {
			t.Fatal(err)
		}
		m := w.step()
		if i == 0 && (!strings.Contains(m.blocks, "1 of 2 are missing") || !strings.Contains(m.blocks, "action_id") || !strings.Contains(m.blocks, "key:boss")) {
			t.Errorf("behind the first the message shows %s", m.blocks)
		}
		if i == 1 && (!strings.Contains(m.blocks, "Approved: ") || strings.Contains(m.blocks, "action_id") || !strings.Contains(m.blocks, "local:ben")) {
			t.Errorf("behind the second the message shows %s", m.blocks)
		}
	}
}

func TestApprovalThatRanOutIsShownAndDecidedNoMore(t *testing.T) {
	w := newWorld(t, nil)
	w.told()
	w.step()
	w.advance(time.Hour)
	status, whispers := w.press("U0ADA", approve, "")
	if status != http.StatusOK || len(whispers) != 1 || !strings.Contains(whispers[0], "C0APPROVE U0ADA Nothing was decided") || !strings.Contains(whispers[0], "expired") || len(w.approval.Decisions) != 0 {
		t.Errorf("%d, whispered %q; it is %+v", status, whispers, w.approval)
	}
	if m := w.step(); !strings.Contains(m.blocks, "Expired: ") || strings.Contains(m.blocks, "action_id") {
		t.Errorf("the message shows %s", m.blocks)
	}
}

func TestWhoeverIsNotMappedDecidesNothingAndIsToldSo(t *testing.T) {
	w := newWorld(t, nil)
	w.told()
	w.emails["U0DAN"], w.emails["U0CID"] = "dan@example.com", "cid@example.com"
	for _, user := range []string{"U0DAN", "U0NOBODY"} { // the second has no address that counts
		status, whispers := w.press(user, approve, "")
		if status != http.StatusOK || len(whispers) != 1 || !strings.HasPrefix(whispers[0], "C0APPROVE "+user+" Nothing was decided") || !strings.Contains(whispers[0], "slack:"+user) || w.approval.State != guard.ApprovalPending || len(w.approval.Decisions) != 0 {
			t.Errorf("%s: %d, whispered %q; it is %+v", user, status, whispers, w.approval)
		}
	}
	if _, whispers := w.press("U0CID", approve, ""); len(whispers) != 0 || w.approval.State != guard.ApprovalGiven || w.approval.Decisions[0].By != "mail:cid@example.com" || w.approval.Decisions[0].Person != "cid" {
		t.Errorf("by a confirmed address: %q; it is %+v", whispers, w.approval)
	}
}

func TestWhoCannotBeToldDecidesNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.told()
	w.emails["U0CID"], w.unknown = "cid@example.com", errors.New("Slack is away")
	status, whispers := w.press("U0CID", approve, "")
	if status != http.StatusOK || len(whispers) != 1 || !strings.Contains(whispers[0], "Try again") || len(w.approval.Decisions) != 0 {
		t.Errorf("%d, whispered %q; it is %+v", status, whispers, w.approval)
	}
}

// The rules of the other doors hold: nobody agrees to what they asked for, or twice, and
// only those whom the rule names.
func TestRulesOfEveryDoorHold(t *testing.T) {
	w := newWorld(t, func(a *guard.Approval, o *slackdesk.Options) {
		a.Terms = guard.Terms{Count: 2, Within: time.Hour, By: []string{"slack:*", "ada"}}
	})
	w.told()
	w.emails["U0CID"] = "cid@example.com"
	for user, says := range map[string]string{"U0FAY": "asked for the call", "U0CID": "none of those whom the rule names"} {
		if _, whispers := w.press(user, approve, ""); len(whispers) != 1 || !strings.Contains(whispers[0], says) || len(w.approval.Decisions) != 0 {
			t.Errorf("%s: whispered %q; it is %+v", user, whispers, w.approval)
		}
	}
	if _, whispers := w.press("U0ADA", approve, ""); len(whispers) != 0 || w.approval.Missing() != 1 {
		t.Errorf("the first: %q, %+v", whispers, w.approval)
	}
	w.advance(time.Second)
	if _, whispers := w.press("U0ADA", approve, ""); len(whispers) != 1 || !strings.Contains(whispers[0], "has decided already") || w.approval.Missing() != 1 {
		t.Errorf("the same once more: %q, %+v", whispers, w.approval)
	}
	if _, whispers := w.press("U0BEN", approve, ""); len(whispers) != 0 || w.approval.State != guard.ApprovalGiven {
		t.Errorf("the second: %q, %+v", whispers, w.approval)
	}
}

func TestRequestThatIsNotSlacksOrNotNewChangesNothing(t *testing.T) {
	w := newWorld(t, nil)
	m := w.told()
	body := clicked("U0ADA", "1000000000.000000", approve, value(t, m, approve), "")
	unsigned := w.request(body, w.clock(), signingSecret)
	unsigned.Header.Del("X-Slack-Signature")
	altered := w.request(body, w.clock(), signingSecret)
	altered.Body = w.request(body+"&x=1", w.clock(), signingSecret).Body
	for name, r := range map[string]*http.Request{
		"another secret": w.request(body, w.clock(), "ffffffffffffffffffffffffffffffff"),
		"old":            w.request(body, w.clock().Add(-301*time.Second), signingSecret),
		"of the future":  w.request(body, w.clock().Add(301*time.Second), signingSecret),
		"unsigned":       unsigned,
		"altered":        altered,
	} {
		if status := w.send(r); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, status)
		}
	}
	if w.desk.Wait(); len(w.approval.Decisions) != 0 || len(w.whispers) != 0 {
		t.Fatalf("it is %+v, whispered %q", w.approval, w.whispers)
	}
	w.mu.Lock()
	w.approval.Terms.Count = 3
	w.mu.Unlock()
	at := w.clock()
	if status := w.send(w.request(body, at, signingSecret)); status != http.StatusOK {
		t.Fatalf("the genuine one: %d", status)
	}
	w.desk.Wait()
	w.advance(299 * time.Second) // its time is still good
	again := w.request(body, at, signingSecret)
	again.Header.Set("X-Slack-Signature", "v0="+strings.ToUpper(strings.TrimPrefix(again.Header.Get("X-Slack-Signature"), "v0=")))
	for _, r := range []*http.Request{w.request(body, at, signingSecret), again} {
		if status := w.send(r); status != http.StatusUnauthorized {
			t.Errorf("the same once more: %d", status)
		}
	}
	if w.desk.Wait(); len(w.approval.Decisions) != 1 || len(w.whispers) != 0 {
		t.Errorf("it is %+v, whispered %q", w.approval, w.whispers)
	}
}

func TestButtonOfAnotherMakerChangesNothing(t *testing.T) {
	w, other := newWorld(t, nil), newWorld(t, func(_ *guard.Approval, o *slackdesk.Options) { o.Key = []byte("another") })
	good := value(t, w.told(), approve)
	for name, v := range map[string]string{"of another server": value(t, other.told(), approve), "unsigned": "apr_1", "of the other button": value(t, w.messages[0], deny), "about another": strings.Replace(good, "apr_1", "apr_2", 1), "empty": ""} {
		if status := w.send(w.request(clicked("U0ADA", "1000000000.000000", approve, v, ""), w.clock(), signingSecret)); status != http.StatusOK {
			t.Errorf("%s: %d", name, status)
		}
		if w.desk.Wait(); len(w.approval.Decisions) != 0 {
			t.Fatalf("%s: it is %+v", name, w.approval)
		}
	}
	if len(w.whispers) != 5 {
		t.Errorf("whispered %q", w.whispers)
	}
}

// Slack is answered in time even if Slack itself, asked who somebody is, takes longer; the
// decision is taken down all the same.
func TestSlackIsAnsweredInTimeAndTheDecisionCounts(t *testing.T) {
	w := newWorld(t, func(_ *guard.Approval, o *slackdesk.Options) { o.Answer = time.Nanosecond })
	w.told()
	w.hold, w.reached = make(chan struct{}), make(chan struct{})
	w.emails["U0CID"] = "cid@example.com"
	if status := w.send(w.request(clicked("U0CID", "1000000000.000000", approve, value(t, w.messages[0], approve), ""), w.clock(), signingSecret)); status != http.StatusOK {
		t.Errorf("answered %d", status)
	}
	<-w.reached
	close(w.hold)
	if w.desk.Wait(); w.approval.State != guard.ApprovalGiven {
		t.Errorf("it is %+v", w.approval)
	}
}

func TestStoreThatFailsIsSaid(t *testing.T) {
	w := newWorld(t, nil)
	w.told()
	w.broken = errors.New("the disk is full")
	status, whispers := w.press("U0ADA", approve, "")
	if status != http.StatusInternalServerError || len(whispers) != 1 || strings.Contains(whispers[0], "disk") {
		t.Errorf("%d, whispered %q", status, whispers)
	}
}

// A message whose posting was not noted, since whoever posted it died, is known once
// somebody presses its button, and shows what was decided as the other does.
func TestMessageNobodyKnowsIsKnownByItsButton(t *testing.T) {
	w := newWorld(t, nil)
	w.told()
	w.told()
	delete(w.postings, "1000000000.000001")
	if _, whispers := w.pressed("U0ADA", "1000000000.000001", approve, ""); len(whispers) != 0 {
		t.Errorf("whispered %q", whispers)
	}
	w.step()
	for i, m := range w.messages {
		if !strings.Contains(m.blocks, "Approved: ") {
			t.Errorf("message %d shows %s", i, m.blocks)
		}
	}
}

func TestMessageThatCannotBeChangedIsTriedAgainUnlessItIsGone(t *testing.T) {
	w := newWorld(t, nil)
	w.told()
	w.step()
	w.press("U0ADA", deny, "")
	w.changing = errors.New("busy")
	w.step()
	if p, kept := w.postings["1000000000.000000"]; !kept || p.Attempts != 1 {
		t.Fatalf("kept is %+v", w.postings)
	}
	w.changing = nil
	if m := w.step(); !strings.Contains(m.blocks, "Denied: ") || len(w.postings) != 0 {
		t.Errorf("the message shows %s; kept is %+v", m.blocks, w.postings)
	}
	w = newWorld(t, nil)
	w.told()
	w.step()
	w.press("U0ADA", deny, "")
	w.changing = errGone
	if w.step(); len(w.postings) != 0 {
		t.Errorf("kept is %+v", w.postings)
	}
}

func TestAnnouncementThatFailsIsOwedStill(t *testing.T) {
	w := newWorld(t, nil)
	failing := slackdesk.New(w, failingChat{w}, nil, slackdesk.Options{Key: []byte("key")})
	defer failing.Close()
	if err := failing.Tell(t.Context(), guard.Notice{Approval: "apr_1", Target: "slack:C0APPROVE"}, w.approval); err == nil || w.notices != 0 || len(w.postings) != 0 {
		t.Errorf("%v, %d told, kept is %+v", err, w.notices, w.postings)
	}
}

type failingChat struct{ slackdesk.Chat }

func (failingChat) Announce(context.Context, string, string, []json.RawMessage) (string, error) {
	return "", errors.New("away")
}

func TestAnotherSecretCountsOnceItIsTrusted(t *testing.T) {
	w := newWorld(t, nil)
	m := w.told()
	const next = "fedcba9876543210fedcba9876543210"
	verifier, err := webhook.NewVerifier(webhook.Slack, []webhook.Secret{{Value: next}}, webhook.SchemeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.desk.Trust(verifier)
	body := clicked("U0ADA", "1000000000.000000", approve, value(t, m, approve), "")
	if status := w.send(w.request(body, w.clock(), signingSecret)); status != http.StatusUnauthorized {
		t.Errorf("by the old secret: %d", status)
	}
	if status := w.send(w.request(body, w.clock(), next)); status != http.StatusOK || w.approval.State != guard.ApprovalGiven {
		t.Errorf("by the new one: %d, %+v", status, w.approval)
	}
}

func TestWhatIsNoButtonOfOursIsAnsweredAndIgnored(t *testing.T) {
	w := newWorld(t, nil)
	w.told()
	for body, want := range map[string]int{
		"payload=" + `{"type":"view_submission"}`: http.StatusOK,
		"payload=" + `{"type":"block_actions","container":{"type":"message"},"actions":[{"type":"button","action_id":"theirs"}]}`: http.StatusOK,
		"payload=[]":          http.StatusBadRequest,
		"payload=x":           http.StatusBadRequest,
		"payload={}&payload=": http.StatusBadRequest,
		"{}":                  http.StatusBadRequest,
		"":                    http.StatusBadRequest,
		"payload=" + `{"type":"block_actions","container":{"type":"message"},"user":{"id":"x"},"actions":[{"type":"button","action_id":"drawbridge_approve"}]}`: http.StatusBadRequest,
	} {
		if status := w.send(w.request(body, w.clock(), signingSecret)); status != want {
			t.Errorf("%s: %d, want %d", body, status, want)
		}
	}
	large := w.request("payload="+strings.Repeat("x", 600<<10), w.clock(), signingSecret)
	if status := w.send(large); status != http.StatusRequestEntityTooLarge {
		t.Errorf("600 KiB: %d", status)
	}
}
