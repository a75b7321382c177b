package runapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"drawbridge/server/apierror"
	"drawbridge/server/dispatch"
)

// longestWait bounds a long poll. Most proxies cut a silent request off earlier.
const longestWait = 5 * time.Minute

// look is what is asked of one run.
type look struct {
	wait   time.Duration  // 0: it is shown as it stands
	state  dispatch.State // wait until the run is in another one; "" for one that has ended
	stream bool
	behind behind // of a stream: where it goes on
}

// lookOf reads the query and the headers of GET /v1/runs/{id}.
func lookOf(r *http.Request) (look, *apierror.Error) {
	q := query{values: r.URL.Query()}
	l := look{wait: q.duration("wait", longestWait)}
	if states := q.states("state"); len(states) == 1 {
		l.state = states[0]
	} else if len(states) > 1 {
		q.wrong("state", "state is that which the run was last seen in: one of them")
	}
	stream := q.oneOf("stream", "true", "false")
	l.stream = stream == "true" || stream == "" && wantsEvents(r.Header)
	switch {
	case l.stream && l.wait > 0:
		q.wrong("wait", "a stream does not wait: take out wait, or stream")
	case l.state != "" && l.wait == 0:
		q.wrong("state", "state needs wait: how long to wait until the run is in another state")
	}
	q.done()
	if l.stream && q.err == nil {
		l.behind, q.err = behindOf(r.Header)
	}
	if r.Method == http.MethodHead { // there is nothing to wait for
		return look{}, q.err
	}
	return l, q.err
}

func wantsEvents(h http.Header) bool {
	for _, accept := range h.Values("Accept") {
		for _, one := range strings.Split(accept, ",") {
			media, _, _ := strings.Cut(one, ";")
			if strings.EqualFold(strings.TrimSpace(media), "text/event-stream") {
				return true
			}
		}
	}
	return false
}

// wait answers once the run has ended, or is in another state than that which the
// caller knows, or when the time is up; and when this process stops: the caller asks
// again, and finds the next one.
func (a *API) wait(w http.ResponseWriter, r *http.Request, q look) {
	if _, ok := a.find(w, r); !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), q.wait)
	defer cancel()
	run, err := a.runs.Await(ctx, r.PathValue("id"), func(run dispatch.Run) bool {
		return run.State.Ended() || q.state != "" && run.State != q.state
	})
	switch {
	case err == nil:
	case r.Context().Err() != nil:
		return // nobody listens
	case ctx.Err() != nil, errors.Is(err, dispatch.ErrStopping):
		var ok bool
		if run, ok = a.find(w, r); !ok { // as it stands now: the time may have been up while it was read
			return
		}
	case errors.Is(err, dispatch.ErrNotFound): // since it was found
		noRun().Write(w)
		return
	default:
		a.door.Fault(w, r, "waiting for a run", err)
		return
	}
	a.answerWhole(w, r, http.StatusOK, run)
}

// query takes the parameters of a query one by one. The first that is wrong ends it.
type query struct {
	values map[string][]string
	err    *apierror.Error
}

func (q *query) wrong(name, format string, arguments ...any) {
	if q.err == nil {
		q.err = apierror.Invalid(name, "invalid_value", format, arguments...)
	}
}

// text takes a parameter, "" if it is absent.
func (q *query) text(name string) string {
	values := q.values[name]
	delete(q.values, name)
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		q.wrong(name, "%s is there more than once", name)
	}
	return values[0]
}

func (q *query) oneOf(name string, allowed ...string) string {
	value := q.text(name)
	if value != "" && !slices.Contains(allowed, value) {
		q.wrong(name, "%s is %.100q; it may be one of %q", name, value, allowed)
	}
	return value
}

// duration takes a time such as 30s, or a number of seconds.
func (q *query) duration(name string, most time.Duration) time.Duration {
	value := q.text(name)
	if value == "" {
		return 0
	}
	d, err := time.ParseDuration(value)
	if n, plain := strconv.Atoi(value); plain == nil && n >= 0 && n <= int(most.Seconds()) {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < 0 || d > most {
		q.wrong(name, "%s is %.100q; it is a time such as 30s, %s at most", name, value, most)
	}
	return d
}

func (q *query) number(name string, least, most, otherwise int) int {
	value := q.text(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		q.wrong(name, "%s is %.100q; it may be %d to %d", name, value, least, most)
	}
	return n
}

// states takes a list of states, separated by commas.
func (q *query) states(name string) []dispatch.State {
	value := q.text(name)
	if value == "" {
		return nil
	}
	var states []dispatch.State
	for _, one := range strings.Split(value, ",") {
		state := dispatch.State(strings.TrimSpace(one))
		if !slices.Contains(dispatch.States, state) {
			q.wrong(name, "%s is %.100q; a state is one of %q", name, one, dispatch.States)
		}
		states = append(states, state)
	}
	return states
}

// done refuses what was not taken: a filter that is misspelt would let everything
// through.
func (q *query) done() {
	for name := range q.values {
		if q.err == nil {
			q.err = apierror.Invalid(name, "unknown_parameter", "%.100s is not known here; take it out of the request", name)
		}
	}
}
