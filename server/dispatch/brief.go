package dispatch

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"

	"cel.dev/cel-go/cel"

	"drawbridge/bridge"
)

// Source says what is to be done about the events of one webhook.
type Source struct {
	Name string
	// Routes are compiled, and tried in their order.
	Routes []*Route
	// All: an event makes a run of each route that takes it, instead of the first.
	All bool
	// Schema, if set, is what events are held against before any route looks at them.
	Schema   *Schema
	Validate Validation
	// AtOnce bounds the runs that have begun and not ended; 0 is without a bound.
	AtOnce int
}

// Route says what events of a source become.
type Route struct {
	// Source is the webhook's name.
	Source string
	// Name tells the route from others of its source; the agent's name if "".
	Name string
	// Agent carries the run.
	Agent string
	// When is a CEL condition over event, headers and source; "" lets all through.
	When string
	// OrderBy is a CEL key over the same: runs of one key are carried one at a time, in
	// the order in which their events arrived. "" keeps no order.
	OrderBy string
	// Prompt is a text/template over the same: what the agent is to do.
	Prompt string
	// Target is the name in [Settings.Targets] to which a run's end is owed, or "".
	Target string
	// Delay is how long after the event a run begins at the earliest.
	Delay time.Duration
	// Debounce has the last of a row of events speak for all of them: the run begins when
	// none has come for this long, but at the latest ten times this long after the first.
	Debounce time.Duration
	Priority Priority
	// Budget bounds the route's runs in place of the agent's, where it is not zero.
	Budget bridge.Budget
	// AtOnce bounds the runs that have begun and not ended; 0 is without a bound.
	AtOnce int

	when, orderBy cel.Program
	prompt        *template.Template
}

// debounceMost is how many debounce times a run is put off by newer events at most.
const debounceMost = 10

// name is what tells the route's runs from those of other routes.
func (r *Route) name() string { return cmp.Or(r.Name, r.Agent) }

// Compile checks and prepares the route. Its error joins a *SettingError for each mistake.
func (r *Route) Compile() error {
	var errs [3]error
	r.when, errs[0] = compileWhen(r.When)
	r.orderBy, errs[1] = compileOrderBy(r.OrderBy)
	r.prompt, errs[2] = compilePrompt(r.Prompt)
	return errors.Join(errs[:]...)
}

// Brief decides what an event becomes: runs with their prompts, or nothing and why.
// It has no effects, so that a lost worker's event is simply briefed again. One that
// nobody can look at, because that panics, would be briefed for ever, and with it whatever
// has to wait for it.
func (s *Source) Brief(event StoredEvent, now time.Time, newID func() string) (routing Routing) {
	defer func() {
		if fault := recover(); fault != nil {
			routing = Routing{Status: Faulty, Note: fmt.Sprintf("panic: %v", fault)}
		}
	}()
	f, err := factsOf(event)
	if err != nil {
		return Routing{Status: Unparsed, Note: err.Error()}
	}
	notes := notes{}
	if s.Schema != nil && s.Validate != ValidateOff {
		why, slow := s.Schema.misfit(f.payload, event.Body)
		switch {
		case why == "":
		case s.Validate == ValidateReject && !slow:
			return Routing{Status: Rejected, Note: why}
		case s.Validate != ValidateWarn:
			return Routing{Status: Quarantined, Note: why}
		}
		notes.add(why)
	}
	return s.routes(event, f, now, newID, notes)
}

// routes asks each route in turn.
func (s *Source) routes(event StoredEvent, f facts, now time.Time, newID func() string, notes notes) Routing {
	routing := Routing{Status: Ignored}
	for _, r := range s.Routes {
		wanted, why := r.wants(f)
		if !wanted {
			notes.of(s, r, why)
			continue
		}
		if routing.Status == Ignored {
			routing.Status = Routed
		}
		run, why, err := r.run(event, f, now)
		if err != nil {
			routing.Status, why = Faulty, err.Error()
		} else {
			run.ID = newID()
			routing.Runs = append(routing.Runs, run)
		}
		notes.of(s, r, why)
		if !s.All {
			break
		}
	}
	routing.Note = notes.String()
	return routing
}

// run is the run that the route makes of an event, with a note about it.
func (r *Route) run(event StoredEvent, f facts, now time.Time) (run NewRun, note string, err error) {
	text, err := r.text(event, f)
	if err != nil {
		return NewRun{}, "", err
	}
	subject, note := r.subject(f)
	run = NewRun{Agent: r.Agent, Source: event.Source, Event: event.ID, Via: r.name(), Replay: event.Replay,
		Prompt: text, Tainted: true, Route: r.Target, Priority: r.Priority, Subject: subject, Budget: r.Budget}
	from := event.ReceivedAt
	if event.Replay > 0 {
		from = now // when it is played again
	}
	if wait := max(r.Delay, r.Debounce); wait > 0 {
		run.StartAt = from.Add(wait)
	}
	if r.Debounce > 0 && (r.orderBy == nil || subject != "") {
		run.Debounce, run.StartBy = cmp.Or(subject, LaneOf(r.Source, r.name())), from.Add(max(r.Delay, debounceMost*r.Debounce))
	}
	return run, note, nil
}

func factsOf(event StoredEvent) (facts, error) {
	payload, err := parsePayload(event.ContentType, event.Body)
	if err != nil {
		return facts{}, err
	}
	headers := map[string]string{}
	for name := range event.Headers {
		headers[strings.ToLower(name)] = event.Headers.Get(name)
	}
	f := facts{payload: payload, headers: headers, source: event.Source}
	if len(event.Response) > 0 {
		f.response, err = parseJSON(event.Response)
	}
	return f, err
}

// notes are what is worth telling of an event, for a person.
type notes struct{ all []string }

func (n *notes) add(text string) {
	if text != "" {
		n.all = append(n.all, text)
	}
}

// of adds what a route says. Where there is one only, it needs no name.
func (n *notes) of(s *Source, r *Route, text string) {
	if text != "" && len(s.Routes) > 1 {
		text = "route " + r.name() + ": " + text
	}
	n.add(text)
}

// longNote bounds a note, in bytes.
const longNote = 2000

func (n *notes) String() string {
	text := strings.Join(n.all, "; ")
	if len(text) > longNote {
		text = strings.ToValidUTF8(text[:longNote], "") + "..."
	}
	return text
}

// lanes are what the store has to know of the sources.
func (s Settings) lanes() Lanes {
	lanes := Lanes{AtOnce: map[string]int{}}
	for name, source := range s.Sources {
		ordered := false
		for _, r := range source.Routes {
			ordered = ordered || r.OrderBy != ""
			if r.AtOnce > 0 {
				lanes.AtOnce[LaneOf(name, r.name())] = r.AtOnce
			}
		}
		if ordered {
			lanes.Ordered = append(lanes.Ordered, name)
		}
		if source.AtOnce > 0 {
			lanes.AtOnce[name] = source.AtOnce
		}
	}
	return lanes
}
