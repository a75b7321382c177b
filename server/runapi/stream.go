package runapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/apierror"
	"drawbridge/server/apihttp"
	"drawbridge/server/dispatch"
)

// Ids of events beside the sequence numbers of the journal (WHATWG HTML, section 9.2,
// "Server-sent events").
const (
	lastEventID = "Last-Event-Id"
	endID       = "end"
)

// behind is where a stream goes on.
type behind struct {
	seq int64
	end bool // the client has had everything
}

// behindOf reads what the client says it has had.
func behindOf(h http.Header) (behind, *apierror.Error) {
	id := h.Get(lastEventID)
	switch id {
	case "":
		return behind{}, nil
	case endID:
		return behind{end: true}, nil
	}
	seq, err := strconv.ParseInt(id, 10, 64)
	if err != nil || seq < 0 {
		return behind{}, apierror.Invalid("Last-Event-ID", "invalid_value", "Last-Event-ID is %.100q; it is the id of an event of this stream", id)
	}
	return behind{seq: seq}, nil
}

// stream answers with the run's journal, an event an entry, as it grows: behind the
// entry that the client had last. Each entry's id is its sequence number. Between them
// go events of the state, which have no id, and comments while nothing happens. The
// last event is the run's end; a client that has had it and comes back all the same
// gets 204, which is how a stream says that there will be nothing more.
func (a *API) stream(w http.ResponseWriter, r *http.Request, from behind) {
	run, ok := a.find(w, r)
	if !ok {
		return
	}
	if from.end && run.State.Ended() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	f := a.runs.FollowJournal(run.ID, from.seq)
	defer f.Leave()
	s := events{w: w, control: http.NewResponseController(w)}
	defer s.over()
	if s.begin() != nil {
		return
	}
	for {
		over, err := a.tell(r.Context(), &s, f)
		if over || err != nil {
			return
		}
	}
}

// tell sends what is new of a run, or a comment if nothing is for a while. Its error
// means that nothing more can be told.
func (a *API) tell(ctx context.Context, s *events, f *dispatch.Following) (over bool, err error) {
	waiting, cancel := context.WithTimeout(ctx, a.o.KeepAlive)
	defer cancel()
	run, entries, err := f.Next(waiting)
	switch {
	case err == nil:
	case ctx.Err() == nil && waiting.Err() != nil && errors.Is(err, waiting.Err()):
		return false, s.comment("waiting")
	case errors.Is(err, dispatch.ErrStopping):
		_ = s.comment("the server is being stopped; come back for the rest")
		return false, err
	default:
		if ctx.Err() == nil {
			a.o.Log.ErrorContext(ctx, "following a run", "err", err)
		}
		return false, err
	}
	if !run.State.Ended() {
		s.state(run)
	}
	for _, e := range entries {
		if err := s.entry(e); err != nil {
			a.o.Log.ErrorContext(ctx, "telling a run's journal", "run", run.ID, "entry", e.Seq, "err", err)
			return false, err
		}
	}
	if run.State.Ended() {
		shown, err := a.showWhole(ctx, run)
		if err != nil {
			a.o.Log.ErrorContext(ctx, "showing a run", "run", run.ID, "err", err)
			return false, err
		}
		s.add(endID, "end", apihttp.Encode(shown))
	}
	return run.State.Ended(), s.send()
}

// events writes server-sent events.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	out     []byte

	told   bool // of a state
	known  dispatch.State
	reason string
}

// begin sends the headers, and how soon to come back when the connection is lost.
func (s *events) begin() error {
	header := s.w.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Accel-Buffering", "no") // nginx would collect the stream
	s.w.WriteHeader(http.StatusOK)
	s.out = append(s.out, "retry: 2000\n\n"...)
	return s.send()
}

// add adds an event; data is JSON on one line.
func (s *events) add(id, name string, data []byte) {
	if id != "" {
		s.out = append(append(append(s.out, "id: "...), id...), '\n')
	}
	s.out = append(append(append(s.out, "event: "...), name...), "\ndata: "...)
	for len(data) > 0 && data[len(data)-1] == '\n' {
		data = data[:len(data)-1]
	}
	s.out = append(append(s.out, data...), "\n\n"...)
}

// most is how many bytes are collected before they are sent.
const most = 64 << 10

func (s *events) entry(e bridge.Entry) error {
	shown, err := entryOf(e)
	if err != nil {
		return err
	}
	s.add(strconv.FormatInt(e.Seq, 10), string(e.Kind), apihttp.Encode(shown))
	if len(s.out) < most {
		return nil
	}
	return s.send()
}

// state tells where the run stands, if that is news.
func (s *events) state(run dispatch.Run) {
	if s.told && s.known == run.State && s.reason == run.Reason {
		return
	}
	s.told, s.known, s.reason = true, run.State, run.Reason
	data, _ := json.Marshal(struct {
		State  dispatch.State `json:"state"`
		Reason string         `json:"reason,omitempty"`
	}{run.State, run.Reason})
	s.add("", "state", data)
}

func (s *events) comment(text string) error {
	s.out = append(append(append(s.out, ": "...), text...), "\n\n"...)
	return s.send()
}

func (s *events) send() error {
	_ = s.control.SetWriteDeadline(time.Now().Add(apihttp.WriteTime)) // only not supported by a test's recorder
	_, err := s.w.Write(s.out)
	s.out = s.out[:0]
	if err != nil {
		return err
	}
	return s.control.Flush()
}

// over leaves the connection as it was.
func (s *events) over() { _ = s.control.SetWriteDeadline(time.Time{}) }
