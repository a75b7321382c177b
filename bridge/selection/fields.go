package selection

import (
	"encoding/json"
	"strings"
)

// field is a part of a definition whose words weigh alike.
type field uint8

const (
	fieldSystem field = iota // the mounted server: what stands before "__" in the name
	fieldName
	fieldTitle
	fieldDescription
	fieldParameters // names of parameters
	fieldDetails    // descriptions and allowed values of parameters
	fields
)

// weights says what a word in a field is worth, and how much a long field counts against
// its words (BM25's b: 0 not at all, 1 in full). None is delicate: doubling or halving one
// moves the right tool's place in the ranking hardly at all, except for the system: who names one means it.
// most is how many words are read: a definition of a megabyte wants to be found for everything.
var weights = [fields]struct {
	weight, length float32
	most           int
}{
	fieldSystem:      {10, 0.5, 8},
	fieldName:        {3, 0.4, 32},
	fieldTitle:       {2.5, 0.4, 32},
	fieldDescription: {1, 0.6, 400},
	fieldParameters:  {0.5, 0.6, 150},
	fieldDetails:     {0.25, 0.7, 500},
}

// maxDepth is how deep parameters are read: what lies deeper describes data, not the tool.
const maxDepth = 3

// maxSchema is how many bytes of parameters are read; a longer schema is searched by the
// function's name and description only.
const maxSchema = 256 << 10

// texts passes on the texts of e, field by field, as far as the caller takes them.
func texts(e *Entry, yield func(field, string)) {
	system, name, found := strings.Cut(e.name(), "__")
	if !found {
		system, name = "", system
	}
	yield(fieldSystem, system)
	yield(fieldName, name)
	yield(fieldTitle, e.Title)
	yield(fieldDescription, e.Description)
	if len(e.Parameters) > maxSchema {
		return
	}
	var s schema
	// What has another type than expected is left zero and the rest is read: a search
	// takes what it can get.
	_ = json.Unmarshal(e.Parameters, &s)
	s.texts(yield, 0)
}

// schema is as much of a JSON Schema as has words to search for.
type schema struct {
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Enum        []any              `json:"enum"`
	Properties  map[string]*schema `json:"properties"`
	Items       *schema            `json:"items"`
	AnyOf       []*schema          `json:"anyOf"`
	OneOf       []*schema          `json:"oneOf"`
	AllOf       []*schema          `json:"allOf"`
}

func (s *schema) texts(yield func(field, string), depth int) {
	if s == nil || depth > maxDepth {
		return
	}
	yield(fieldDetails, s.Title)
	yield(fieldDetails, s.Description)
	for _, value := range s.Enum {
		if text, ok := value.(string); ok {
			yield(fieldDetails, text)
		}
	}
	for _, name := range sortedKeys(s.Properties) {
		yield(fieldParameters, name)
		s.Properties[name].texts(yield, depth+1)
	}
	s.Items.texts(yield, depth+1)
	for _, branches := range [][]*schema{s.AnyOf, s.OneOf, s.AllOf} {
		for _, branch := range branches {
			branch.texts(yield, depth+1)
		}
	}
}
