package guard

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// stopwatch ends checks against one schema that take too long. The validator has no
// means for that but a keyword of one's own: the stopwatch is one, which every
// object of the schema has, and so it is asked at each step of a check.
type stopwatch struct {
	steps int
	limit time.Duration
	// gaveUp is called once, when checks end for good.
	gaveUp func(reason string)

	mu   sync.Mutex // held during a check
	made int        // steps
	ends time.Time
	// expired: a check took too long. Later ones are not even begun, so that a schema
	// costs its tool's callers that time once.
	expired bool
}

// stopwatchName is that of the keyword.
const stopwatchName = "stopwatch"

var errTooLong = errors.New("checking takes too long")

// Compile makes the stopwatch a part of every schema.
func (s *stopwatch) Compile(jsonschema.CompilerContext, map[string]any) (jsonschema.ExtSchema, error) {
	return s, nil
}

// Validate is called at each step, within run.
func (s *stopwatch) Validate(jsonschema.ValidationContext, any) error {
	s.made++
	if s.made > s.steps || s.made%clockSteps == 0 && time.Now().After(s.ends) {
		panic(errTooLong)
	}
	return nil
}

// run makes one check at a time. It gives errTooLong if that was not done in time,
// and any other panic as an error too: the schema is somebody else's.
func (s *stopwatch) run(check func() error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expired {
		return errTooLong
	}
	s.made, s.ends = 0, time.Now().Add(s.limit)
	defer func() {
		if fault := recover(); fault != nil {
			s.expired, err = true, errTooLong
			s.gaveUp(fmt.Sprint(fault))
		}
	}()
	return check()
}
