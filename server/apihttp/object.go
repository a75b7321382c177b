package apihttp

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Why there is no object to take apart.
var (
	ErrNotObject = errors.New("not an object")
	ErrBroken    = errors.New("an object that breaks off, or goes wrong")
)

// Object is a JSON object taken apart, by the exact names of its members. encoding/json
// would take "Model" for model, the last of two, and whatever it does not know in
// silence.
type Object struct {
	Names   []string // in their order
	Members map[string]json.RawMessage
	// Twice is the first name that came again, if one did: then Doubled.
	Twice   string
	Doubled bool
}

// TakeApart reads the members of an object, of which those behind a mistake are
// missing. Errors: [ErrNotObject], [ErrBroken].
func TakeApart(raw []byte) (Object, error) {
	o := Object{Members: map[string]json.RawMessage{}}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return o, ErrNotObject
	}
	for decoder.More() {
		token, err := decoder.Token()
		name, _ := token.(string)
		var value json.RawMessage
		if err != nil || decoder.Decode(&value) != nil {
			return o, ErrBroken
		}
		if _, twice := o.Members[name]; twice && !o.Doubled {
			o.Twice, o.Doubled = name, true
		}
		o.Members[name] = value
		o.Names = append(o.Names, name)
	}
	if _, err := decoder.Token(); err != nil {
		return o, ErrBroken
	}
	return o, nil
}
