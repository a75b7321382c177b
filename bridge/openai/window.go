package openai

import "time"

// window is a limit as the server last told it: so many left until the reset. When
// little is left it is spread over the time to the reset, when nothing is, the reset
// is waited for. After the reset nothing is known.
type window struct {
	limit, left int
	reset       time.Time
	next        time.Time // while little is left: not before
}

func (w *window) tell(now time.Time, a allowance) {
	w.limit, w.left, w.reset = a.limit, a.left, now.Add(a.reset)
}

// wait is how long a request of size n has to wait.
func (w *window) wait(now time.Time, n int) time.Duration {
	switch {
	case !now.Before(w.reset):
		return 0
	case w.left < n:
		return w.reset.Sub(now)
	case w.scarce():
		return max(0, w.next.Sub(now))
	}
	return 0
}

// scarce: no more than a tenth of the limit is left.
func (w *window) scarce() bool { return w.left <= w.limit/10 }

// take counts a request of size n that is sent after its wait.
func (w *window) take(now time.Time, n int) {
	if !now.Before(w.reset) {
		return
	}
	if w.scarce() && w.left > 0 {
		from := later(now, w.next)
		share := float64(min(n, w.left)) / float64(w.left)
		w.next = from.Add(time.Duration(share * float64(w.reset.Sub(from))))
	}
	w.left = max(0, w.left-n)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
