package slackdesk

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"drawbridge/server/guard"
	"drawbridge/server/webhook"
)

const (
	// mostBody is how many bytes a request may have: it holds the whole message.
	mostBody = 512 << 10
	// longest is how long what was pressed is dealt with at most, behind the answer.
	longest = 30 * time.Second
)

// ServeHTTP takes what Slack says of buttons that were pressed.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := d.o.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
			return
		}
		http.Error(w, "the request did not come whole", http.StatusBadRequest)
		return
	}
	if status, why := d.verify(r, body, arrived); why != "" {
		d.o.Log.WarnContext(r.Context(), "refusing a request about buttons in Slack", "status", status, "reason", why)
		http.Error(w, http.StatusText(status), status)
		return
	}
	c, ours, err := readClick(body)
	switch {
	case err != nil:
		d.o.Log.WarnContext(r.Context(), "a request about buttons in Slack cannot be read", "error", err)
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
	case !ours:
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(d.begin(c))
	}
}

// verify judges a request: a genuine one that is new.
func (d *Desk) verify(r *http.Request, body []byte, arrived time.Time) (status int, why string) {
	_, err := (*d.verifier.Load()).Verify(webhook.Delivery{Source: "slack buttons", Method: r.Method, Header: r.Header, Body: body, ArrivedAt: arrived})
	var refused *webhook.Refusal
	switch {
	case errors.As(err, &refused):
		return http.StatusUnauthorized, refused.Reason
	case err != nil:
		return http.StatusInternalServerError, err.Error()
	case !d.seen.first(r.Header.Get("X-Slack-Request-Timestamp"), body, arrived):
		return http.StatusUnauthorized, "the same request was here before"
	}
	return 0, ""
}

// begin deals with a click, and gives what to answer: once it is decided, or when Slack
// will not wait any longer. Then it is dealt with all the same.
func (d *Desk) begin(c click) (status int) {
	select {
	case d.room <- struct{}{}:
	default:
		return http.StatusServiceUnavailable
	}
	settled := make(chan int, 1)
	d.tasks.Go(func() {
		defer func() { <-d.room }()
		ctx, cancel := context.WithTimeout(d.ctx, longest)
		defer cancel()
		status, tell := d.settle(ctx, c)
		settled <- status
		if tell == "" {
			return
		}
		if err := d.chat.Whisper(ctx, c.channel, c.user, tell); err != nil && ctx.Err() == nil {
			d.o.Log.Warn("telling somebody what came of a button in Slack", "principal", Prefix+c.user, "error", err)
		}
	})
	timer := time.NewTimer(d.o.Answer)
	defer timer.Stop()
	select {
	case status = <-settled:
		return status
	case <-timer.C:
		return http.StatusOK
	}
}

// settle takes a decision down, or gives what to tell whoever pressed the button.
func (d *Desk) settle(ctx context.Context, c click) (status int, tell string) {
	approval := d.aboutWhat(c.action, c.value)
	if approval == "" {
		d.o.Log.Warn("a button in Slack is none of ours", "principal", Prefix+c.user)
		return http.StatusOK, "Nothing was decided: this button was not made by the server that it is sent to."
	}
	name, err := d.who(ctx, c.user)
	switch {
	case err != nil:
		d.o.Log.Warn("asking Slack who pressed a button", "principal", Prefix+c.user, "error", err)
		return http.StatusOK, "Nothing was decided: Slack could not say just now who you are. Try again in a moment."
	case name == "":
		d.o.Log.Info("somebody who may not decide pressed a button in Slack", "principal", Prefix+c.user, "approval", approval)
		return http.StatusOK, "Nothing was decided: you are not among those who may decide by these buttons. Whoever runs Drawbridge can add you, as " + Prefix + c.user + "."
	}
	v := guard.ApprovalVerdict{Approve: c.action == actionApprove, Note: c.note, At: d.o.Now()}
	decided, err := d.book.DecideApproval(ctx, approval, d.decider(name), v)
	switch {
	case errors.Is(err, guard.ErrDecided):
		tell = "Nothing was decided: the approval waits for nobody any more. It is " + string(decided.State) + "."
	case errors.Is(err, guard.ErrMayNotDecide):
		return http.StatusOK, "Nothing was decided: " + escape(err.Error()) + "."
	case errors.Is(err, guard.ErrNoApproval):
		return http.StatusOK, "Nothing was decided: the approval is not kept any more."
	case err != nil:
		d.o.Log.Error("deciding about an approval", "approval", approval, "err", err)
		return http.StatusInternalServerError, "That went wrong, and your decision may not have been taken down. Look at the message in a moment."
	default:
		d.o.Log.Info("approval decided about", "approval", approval, "approve", v.Approve, "principal", name, "state", decided.State)
	}
	// Whoever posted the message may have died before noting it.
	if err := d.book.KeepPosting(ctx, guard.Posting{Approval: approval, Target: Prefix + c.channel, ID: c.message}); err != nil {
		d.o.Log.Warn("keeping where a message about an approval stands", "approval", approval, "err", err)
	}
	return http.StatusOK, tell
}

// seen are the requests of the last minutes, by what is signed of them: a genuine one comes
// once.
type seen struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]time.Time
}

// remembered is longer than a signature is good for, by either clock.
const remembered = 15 * time.Minute

func (s *seen) first(timestamp string, body []byte, now time.Time) bool {
	signed := sha256.Sum256(append([]byte(timestamp+":"), body...))
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, known := s.all[signed]; known && now.Sub(at) < remembered {
		return false
	}
	if s.all == nil {
		s.all = map[[sha256.Size]byte]time.Time{}
	}
	if len(s.all)%256 == 255 {
		for old, at := range s.all {
			if now.Sub(at) >= remembered {
				delete(s.all, old)
			}
		}
	}
	s.all[signed] = now
	return true
}
