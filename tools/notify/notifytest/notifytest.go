// Package notifytest is the conformance suite of the notify family: what every backend must
// do, tested at the tool door, JSON in and JSON out.
//
//	func TestConformance(t *testing.T) {
//		notifytest.Run(t, func(t *testing.T, traits notify.Traits) notifytest.Harness { ... })
//	}
package notifytest

import (
	"context"
	"encoding/json"
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/backendtest"
	"drawbridge/tools/notify"
)

// Person is somebody to be there.
type Person struct {
	Name, Email               string
	Outside, Bot, Deactivated bool
}

// Room is a channel to be there.
type Room struct {
	Name                                       string
	Private, Stranger, Archived, Shared, Asked bool // Stranger: we are not in it. Asked: another company was invited
}

// Heard is a message as people read it.
type Heard struct {
	ID, Thread string
	Text       string
	Calls      []string // whom it calls: ids, "here", "channel"
}

// Harness is a backend over an empty chat, with the means to do what people there do.
type Harness interface {
	Driver() notify.Driver
	AddPerson(ctx context.Context, p Person) (id string, err error)
	AddRoom(ctx context.Context, r Room) (id string, err error)
	// Say has a person write into a channel, under a message if thread is one.
	Say(ctx context.Context, channel, thread, person, text string) (id string, err error)
	// Delete takes a message away.
	Delete(ctx context.Context, channel, id string) error
	// Heard is what stands in a channel, the oldest first.
	Heard(ctx context.Context, channel string) ([]Heard, error)
}

// Run runs the suite. open is called once a test, and gives a backend that may reach
// outsiders, and call whole channels, as the traits say; what keys do is its own matter.
//
// The record is for the test of the backend to keep.
func Run(t *testing.T, open func(t *testing.T, traits notify.Traits) Harness) *backendtest.Record {
	driver := open(t, notify.Traits{}).Driver()
	record := backendtest.NewRecord(t, "notify", driver, notify.Tools(notify.New(driver)))
	for _, traits := range []notify.Traits{{}, {Outside: true, Broadcasts: true}} {
		name := "Inside"
		if traits.Outside {
			name = "Outside"
		}
		record.Case(t, name, func(t *testing.T) {
			for _, group := range []map[string]func(*suite){postTests, personTests, lookTests, outsideTests, keyTests} {
				for name, test := range group {
					record.Case(t, name, func(t *testing.T) { test(newSuite(t, open(t, traits), record)) })
				}
			}
		})
	}
	return record
}

type suite struct {
	*testing.T
	Harness
	traits  notify.Traits
	catalog *tools.Catalog
	record  *backendtest.Record
}

func newSuite(t *testing.T, h Harness, record *backendtest.Record) *suite {
	return &suite{T: t, Harness: h, record: record, traits: h.Driver().Traits(), catalog: tools.NewCatalog(notify.Tools(notify.New(h.Driver())))}
}

// args are arguments as a model writes them.
type args = map[string]any

// attempt calls a tool and checks a result against the tool's output schema.
func attempt[Out any](ctx context.Context, s *suite, name string, in args) (Out, error) {
	s.Helper()
	return backendtest.Try[Out](ctx, s, s.catalog, s.record, name, in)
}

// do calls a tool that must succeed.
func do[Out any](s *suite, name string, in args) Out {
	s.Helper()
	out, err := attempt[Out](s.Context(), s, name, in)
	if err != nil {
		s.Fatalf("%s %v: %v", name, in, err)
	}
	return out
}

// refused calls a tool that must answer with a code and a message that holds each of the
// texts.
func (s *suite) refused(code tools.Code, name string, in args, texts ...string) {
	s.Helper()
	_, err := attempt[json.RawMessage](s.Context(), s, name, in)
	backendtest.Refused(s, err, code, name, in, texts...)
}

func (s *suite) person(p Person) string {
	s.Helper()
	id, err := s.AddPerson(s.Context(), p)
	if err != nil {
		s.Fatal(err)
	}
	return id
}

func (s *suite) room(r Room) string {
	s.Helper()
	id, err := s.AddRoom(s.Context(), r)
	if err != nil {
		s.Fatal(err)
	}
	return id
}

func (s *suite) heard(channel string) []Heard {
	s.Helper()
	all, err := s.Harness.Heard(s.Context(), channel)
	if err != nil {
		s.Fatal(err)
	}
	return all
}

var ada = Person{Name: "Ada Test", Email: "ada@example.com"}
