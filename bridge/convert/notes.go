package convert

import (
	"fmt"
	"slices"
)

// notes collects what people should know about a conversion.
type notes struct {
	lines []string
	over  int // notes beyond what is kept
}

// A schema with thousands of formats needs not to be told of each.
const maxNotes = 100

func (n *notes) add(at *pointer, format string, arguments ...any) {
	if len(n.lines) >= maxNotes {
		n.over++
		return
	}
	line := at.String() + ": " + fmt.Sprintf(format, arguments...)
	if !slices.Contains(n.lines, line) {
		n.lines = append(n.lines, line)
	}
}

func (n *notes) all() []string {
	if n.over > 0 {
		return append(n.lines, fmt.Sprintf("and %d more notes", n.over))
	}
	return n.lines
}
