package slackdesk_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"drawbridge/server/guard"
	"drawbridge/server/slackdesk"
	"drawbridge/tools/notify/slack/slackfake"
)

// ours are the only marks that a message may have besides formatting: times, and the ids of
// users who decided.
var ours = regexp.MustCompile(`<!date\^\d+\^\{date_short_pretty\} \{time_secs\}\|[A-Za-z0-9:, ]+>|<@[UW][A-Z0-9]+>`)

// marked are the texts of a message that Slack reads as markup.
func marked(value any) (texts []string) {
	switch v := value.(type) {
	case map[string]any:
		if v["type"] == "mrkdwn" {
			texts = append(texts, v["text"].(string))
		}
		for _, inside := range v {
			texts = append(texts, marked(inside)...)
		}
	case []any:
		for _, inside := range v {
			texts = append(texts, marked(inside)...)
		}
	}
	return texts
}

// Whatever an approval holds, its message breaks no rule of Block Kit, and nothing of what
// a model or a stranger wrote is read as markup that calls or links.
func TestMessageOfAnyApprovalIsOneThatSlackTakes(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", " ", "<!channel>", "<https://evil.example|Approve>", "<@U0ADA> & co", "&lt;!here&gt;", strings.Repeat("long ", 2000), "\x00\n\t", "`code`", "*bold*"}))
	states := rapid.SampledFrom(guard.ApprovalStates)
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, func(a *guard.Approval, _ *slackdesk.Options) {
			a.Principal, a.For, a.Run, a.Tool, a.Rule, a.Reason = text.Draw(r, "principal"), text.Draw(r, "for"), text.Draw(r, "run"), text.Draw(r, "tool"), text.Draw(r, "rule"), text.Draw(r, "reason")
			a.State, a.Terms.Count = states.Draw(r, "state"), rapid.IntRange(0, 3).Draw(r, "count")
			a.Terms.By = rapid.SliceOfN(text, 0, 4).Draw(r, "by")
			raw, err := json.Marshal(map[string]string{text.Draw(r, "name"): text.Draw(r, "value")})
			if err != nil {
				r.Fatal(err)
			}
			a.Arguments = rapid.SampledFrom([]json.RawMessage{raw, nil, json.RawMessage(`{}`), json.RawMessage(text.Draw(r, "arguments"))}).Draw(r, "which")
			for range rapid.IntRange(0, 4).Draw(r, "decisions") {
				a.Decisions = append(a.Decisions, guard.ApprovalDecision{By: rapid.OneOf(text, rapid.Just("slack:U0ADA")).Draw(r, "decider"), Person: text.Draw(r, "person"), How: "slack", At: time.Unix(0, 0), Note: text.Draw(r, "note"), Approved: rapid.Bool().Draw(r, "approved")})
			}
		})
		m := w.told()
		if problem := slackfake.Problem([]byte(m.blocks)); problem != "" {
			r.Fatalf("the message %s\n%s", problem, m.blocks)
		}
		var blocks []any
		if err := json.Unmarshal([]byte(m.blocks), &blocks); err != nil {
			r.Fatal(err)
		}
		for _, text := range append(marked(blocks), m.text) {
			if left := ours.ReplaceAllString(text, ""); strings.ContainsAny(left, "<>") {
				r.Fatalf("read as markup is %q", left)
			}
		}
		if pending := w.approval.State == guard.ApprovalPending; strings.Contains(m.blocks, "action_id") != pending {
			r.Fatalf("of one that is %s: %s", w.approval.State, m.blocks)
		}
	})
}

func TestArgumentsThatDoNotFitAreSaidToBeCut(t *testing.T) {
	w := newWorld(t, func(a *guard.Approval, _ *slackdesk.Options) {
		a.Arguments = json.RawMessage(`{"text":"` + strings.Repeat("x", 5000) + `end"}`)
	})
	m := w.told()
	if strings.Contains(m.blocks, "end") || !strings.Contains(m.blocks, "more characters are not shown here") || !strings.Contains(m.blocks, "drawbridge approvals show apr_1") {
		t.Errorf("the message is %s", m.blocks)
	}
}
