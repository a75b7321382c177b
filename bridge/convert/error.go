package convert

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with arguments.
type Problem struct {
	Path string // customer.email, to[1]; "arguments" for the whole
	Text string // what was expected there, and what came
}

// ArgumentError says why arguments cannot be used, for the model that wrote them.
type ArgumentError struct {
	Problems []Problem
	Example  json.RawMessage // of arguments that would do, empty if none is known
}

// Error is the whole text for the model: the first problems, and the example.
func (e *ArgumentError) Error() string {
	var b strings.Builder
	b.WriteString("the arguments do not fit.")
	for i, p := range e.Problems {
		if i == maxProblems {
			fmt.Fprintf(&b, "\n- and more")
			break
		}
		fmt.Fprintf(&b, "\n- %s: %s", p.Path, p.Text)
	}
	if len(e.Example) > 0 {
		fmt.Fprintf(&b, "\nAn example that fits: %s", e.Example)
	}
	return b.String()
}
