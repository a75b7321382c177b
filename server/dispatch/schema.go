package dispatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// Validation says what becomes of an event that does not fit its source's schema.
type Validation string

const (
	ValidateOff        Validation = "off"
	ValidateWarn       Validation = "warn"       // it is handled, and a note says what does not fit
	ValidateQuarantine Validation = "quarantine" // it is kept, for a person to look
	ValidateReject     Validation = "reject"     // it is kept, and not wanted
)

// Schema is a JSON Schema that events are held against.
type Schema struct {
	compiled *jsonschema.Schema
	// limit is how long one check may take.
	limit time.Duration

	mu   sync.Mutex // held during a check
	ends time.Time
}

// maxCheck is how long holding one event against its schema may take. An ordinary check
// takes microseconds; a body of many megabytes against a schema with many alternatives
// could hold up all events behind it.
const maxCheck = time.Second

// schemaName is the address of a schema while it is compiled. One with a scheme is not
// taken for a file.
const schemaName = "drawbridge:///schema"

// CompileSchema prepares a JSON Schema, of 2020-12 unless it says otherwise. References
// may point into it only. A part of it that is no schema gives a
// *jsonschema.ValidationError, which has the place.
func CompileSchema(schema json.RawMessage) (*Schema, error) {
	s := &Schema{limit: maxCheck}
	compiler := jsonschema.NewCompiler()
	compiler.Draft = jsonschema.Draft2020
	compiler.LoadURL = func(url string) (io.ReadCloser, error) {
		return nil, fmt.Errorf("%q is not part of the schema; references may point into it only (#/$defs/...)", url)
	}
	compiler.RegisterExtension("stopwatch", nil, (*stopwatch)(s))
	err := compiler.AddResource(schemaName, bytes.NewReader(schema))
	if err == nil {
		s.compiled, err = compiler.Compile(schemaName)
	}
	var invalid *jsonschema.ValidationError
	var broken *jsonschema.SchemaError
	switch {
	case err == nil:
		return s, nil
	case errors.As(err, &invalid):
		return nil, invalid
	case errors.As(err, &broken):
		err = broken.Err
	}
	return nil, errors.New(strings.ReplaceAll(err.Error(), schemaName, ""))
}

// stopwatch ends a check that takes too long. The validator has no means for that but a
// keyword of one's own: every object of the schema has it, so it is asked at each step.
type stopwatch Schema

var errSlowCheck = errors.New("checking it takes too long")

// Compile makes the stopwatch a part of every schema.
func (s *stopwatch) Compile(jsonschema.CompilerContext, map[string]any) (jsonschema.ExtSchema, error) {
	return s, nil
}

// Validate is called at each step of a check.
func (s *stopwatch) Validate(jsonschema.ValidationContext, any) error {
	if time.Now().After(s.ends) {
		panic(errSlowCheck)
	}
	return nil
}

// misfit says what of a body does not fit, "" if all of it does. A form is an object of
// texts. Slow means that nobody knows.
func (s *Schema) misfit(payload any, body []byte) (why string, slow bool) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		value = payload // a form
	}
	err := s.check(value)
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
		return "", false
	case errors.As(err, &invalid):
		return "schema: " + misfits(invalid), false
	}
	return "schema: " + err.Error(), true
}

func (s *Schema) check(value any) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = time.Now().Add(s.limit)
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%v", fault)
		}
	}()
	return s.compiled.Validate(value)
}

// shownMisfits is how many misfits a note names.
const shownMisfits = 3

// misfits says what is wrong, and where: the leaves of the validator's tree.
func misfits(e *jsonschema.ValidationError) string {
	var all []string
	leavesOf(e, func(leaf *jsonschema.ValidationError) {
		at := leaf.InstanceLocation
		if at == "" {
			at = "the event"
		}
		all = append(all, at+": "+leaf.Message)
	})
	slices.Sort(all) // the validator walks maps, so its order is chance
	all = slices.Compact(all)
	more := ""
	if len(all) > shownMisfits {
		more = fmt.Sprintf("; and %d more", len(all)-shownMisfits)
		all = all[:shownMisfits]
	}
	for i := range all {
		if text, cut := firstRunes(all[i]); cut != "" {
			all[i] = text + cut
		}
	}
	return strings.Join(all, "; ") + more
}

func leavesOf(e *jsonschema.ValidationError, found func(*jsonschema.ValidationError)) {
	if len(e.Causes) == 0 {
		found(e)
	}
	for _, cause := range e.Causes {
		leavesOf(cause, found)
	}
}
