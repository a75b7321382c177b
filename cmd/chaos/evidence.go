package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// evidence is all that is known in the end: what was sent and told, what took effect on
// the far side, and what Drawbridge says of itself. It is judged by check.
type evidence struct {
	Acks    []ack
	Open    []string // sent, and never acknowledged
	Refused []string // answers that no sender should have heard
	Effects []effect
	Told    []told
	Strikes []*strike
	Decided map[string]int // about calls of unknown outcome, by the person at the desk
	Alarms  []string       // of nodes that did what none should

	Events    []storedEvent
	Runs      []storedRun
	Journals  map[string][]entry // by run
	Callbacks []storedCallback
	Audit     []auditRow
}

// The lines of `drawbridge export`, as far as they matter here.
type (
	storedEvent struct {
		ID, Source, Key, Status, Note string
	}
	storedRun struct {
		ID, Source, Event, State, Reason, Subject string
		Answer                                    string
	}
	entry struct {
		Run   string
		Seq   int64
		Entry string
		At    time.Time
		Data  json.RawMessage
	}
	storedCallback struct {
		ID, Run, State string
	}
	auditRow struct {
		At                     time.Time
		Tool, Effect, Decision string
		Outcome, Run           string
		Key                    string `json:"idempotency_key"`
	}
)

// intent and result are the entries around a call.
type (
	intent struct {
		Answer    int64
		Index     int
		Tool      string
		Effect    string
		Key       string
		Again     int // the earlier intents of the same call, which took no effect
		Arguments struct {
			Event, Step string
		}
	}
	result struct {
		Answer  int64
		Index   int
		IsError bool `json:"is_error"`
		Code    string
		Content string
	}
)

// read adds the lines of an export.
func (e *evidence) read(from io.Reader) error {
	e.Journals = map[string][]entry{}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		if err := e.line(lines.Bytes()); err != nil {
			return fmt.Errorf("reading line %d of the export: %w", n, err)
		}
	}
	return lines.Err()
}

func (e *evidence) line(raw []byte) error {
	var kind struct{ Kind string }
	if err := json.Unmarshal(raw, &kind); err != nil {
		return err
	}
	switch kind.Kind {
	case "event":
		return add(&e.Events, raw)
	case "run":
		return add(&e.Runs, raw)
	case "callback":
		return add(&e.Callbacks, raw)
	case "audit":
		return add(&e.Audit, raw)
	case "entry":
		var one []entry
		if err := add(&one, raw); err != nil {
			return err
		}
		e.Journals[one[0].Run] = append(e.Journals[one[0].Run], one[0])
	}
	return nil
}

func add[T any](list *[]T, raw []byte) error {
	var one T
	err := json.Unmarshal(raw, &one)
	*list = append(*list, one)
	return err
}
