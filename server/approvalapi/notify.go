package approvalapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"drawbridge/server/guard"
)

// Targets of notices, as they are noted with an approval.
const (
	MailTarget    = "mail:"        // and an address; the decider's name as well
	SlackTarget   = "slack:"       // and the id of a channel
	WebhookTarget = "link:webhook" // whoever the webhook passes the link on to
)

// NoticeBook has the notices that are owed.
type NoticeBook interface {
	guard.Notices
	Approval(ctx context.Context, id string) (guard.Approval, error)
}

// Mail is a message to one person. The same key is the same message.
type Mail struct{ To, Subject, Text, Key string }

// Notifier tells people of approvals that wait, until it worked or the approval has
// ended. A crash between telling and noting it tells them again, under the same key.
type Notifier struct {
	Book  NoticeBook
	Links *Links
	// Mail sends one, Post sends a body to the webhook under an id; their errors are for
	// the log, and mean that it is tried again.
	Mail func(ctx context.Context, m Mail) error
	Post func(ctx context.Context, id string, body []byte) error
	// Slack tells a channel of Slack, and notes that it has.
	Slack func(ctx context.Context, one guard.Notice, a guard.Approval) error
	Now   func() time.Time
	Log   *slog.Logger
}

const (
	noticesAtOnce = 20
	longestPause  = 15 * time.Minute
)

// Step tells whoever is to be told now, and says when there is more to do; zero if that is
// not known.
func (n *Notifier) Step(ctx context.Context) (next time.Time, err error) {
	due, next, err := n.Book.DueNotices(ctx, noticesAtOnce)
	for _, one := range due {
		if err != nil || ctx.Err() != nil {
			break
		}
		err = n.tell(ctx, one)
	}
	if len(due) == noticesAtOnce {
		next = n.Now()
	}
	return next, err
}

// tell tells one, and notes what came of it.
func (n *Notifier) tell(ctx context.Context, one guard.Notice) error {
	a, err := n.Book.Approval(ctx, one.Approval)
	switch {
	case errors.Is(err, guard.ErrNoApproval), err == nil && a.State != guard.ApprovalPending:
		return n.Book.Notified(ctx, one, "", time.Time{}) // there is nothing to decide any more
	case err != nil:
		return err
	}
	problem := ""
	inSlack := strings.HasPrefix(one.Target, SlackTarget)
	if inSlack {
		err = n.announce(ctx, one, a)
	} else {
		err = n.send(ctx, a, one.Target)
	}
	if err == nil && inSlack {
		return nil
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		problem = err.Error()
		n.Log.Warn("telling somebody of an approval", "approval", a.ID, "target", one.Target, "attempts", one.Attempts+1, "error", problem)
	}
	return n.Book.Notified(ctx, one, problem, n.Now().Add(pauseAfter(one.Attempts)))
}

func (n *Notifier) announce(ctx context.Context, one guard.Notice, a guard.Approval) error {
	if n.Slack == nil {
		return fmt.Errorf("%q is not configured any more", one.Target)
	}
	return n.Slack(ctx, one, a)
}

// pauseAfter is how long to wait after so many attempts and one more: 5 s, 20 s, 80 s, ...
func pauseAfter(attempts int) time.Duration {
	return min(longestPause, 5*time.Second<<min(2*attempts, 20))
}

func (n *Notifier) send(ctx context.Context, a guard.Approval, target string) error {
	link := n.Links.For(a.ID, target, a.Expires)
	key := "notice_" + a.ID + "_" + target
	if address, ok := strings.CutPrefix(target, MailTarget); ok {
		return n.Mail(ctx, Mail{To: address, Subject: fmt.Sprintf("Approval needed: %s by %s", a.Tool, a.Principal), Text: letter(a, link), Key: key})
	}
	if n.Post == nil {
		return fmt.Errorf("%q is not configured any more", target)
	}
	body, err := json.Marshal(map[string]any{"type": "approval.requested", "timestamp": n.Now().UTC().Format(time.RFC3339), "data": map[string]any{
		"id": a.ID, "tool": a.Tool, "effect": a.Effect, "arguments": a.Arguments, "principal": a.Principal, "acts_for": a.For, "run": a.Run, "reason": a.Reason,
		"needs": a.Terms.Needs(), "may_decide": a.Terms.By, "expires_at": a.Expires.UTC().Format(time.RFC3339), "url": link,
	}})
	if err != nil {
		return err
	}
	return n.Post(ctx, "msg_"+a.ID, body)
}

// letter is the text of a mail. What a model wrote stands behind a line that says so, and
// behind the link.
func letter(a guard.Approval, link string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s wants to call %s (%s), and a rule says that people have to agree first.\n\n", a.Principal, a.Tool, a.Effect)
	if a.Reason != "" {
		fmt.Fprintf(&b, "Why: %s\n", a.Reason)
	}
	fmt.Fprintf(&b, "Look at it and decide, until %s:\n\n%s\n\nThe link is for you alone: whoever has it can decide in your name.\n", a.Expires.UTC().Format(time.RFC1123), link)
	fmt.Fprintf(&b, "\nThe arguments, which a model wrote, perhaps from what a stranger sent:\n\n%s\n", a.Arguments)
	return b.String()
}
