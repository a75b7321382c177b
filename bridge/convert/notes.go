package convert

import (
	"fmt"
	"strings"
)

// notes collects what people should know about a conversion: what strict cannot
// enforce, what was repaired. The same note for several places is one line.
type notes struct {
	texts  []string
	places map[string][]*pointer // by text
	left   int                   // notes beyond what is kept
}

const (
	maxNotes  = 50 // different ones
	maxPlaces = 8  // named in one
)

func (n *notes) add(at *pointer, format string, arguments ...any) {
	text := format
	if len(arguments) > 0 {
		text = fmt.Sprintf(format, arguments...)
	}
	if n.places == nil {
		n.places = map[string][]*pointer{}
	}
	if _, known := n.places[text]; !known {
		if len(n.texts) == maxNotes {
			n.left++
			return
		}
		n.texts = append(n.texts, text)
	}
	n.places[text] = append(n.places[text], at)
}

// all are the notes as lines: "/limit, /offset: format int32 is said in words".
func (n *notes) all() []string {
	var lines []string
	for _, text := range n.texts {
		var names []string
		seen := map[string]bool{}
		for _, at := range n.places[text] {
			name := at.String()
			if !seen[name] && len(names) < maxPlaces {
				names = append(names, name)
			}
			seen[name] = true
		}
		if more := len(seen) - len(names); more > 0 {
			names = append(names, fmt.Sprintf("%d more", more))
		}
		lines = append(lines, strings.Join(names, ", ")+": "+text)
	}
	if n.left > 0 {
		lines = append(lines, fmt.Sprintf("/: %d more notes", n.left))
	}
	return lines
}
