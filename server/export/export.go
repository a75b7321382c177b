package export

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// What is a part of what a store keeps, by the name that commands know it by.
type What string

const (
	Events     What = "events" // with whole deliveries
	Runs       What = "runs"
	Journal    What = "journal"
	Callbacks  What = "callbacks" // with their attempts
	Audit      What = "audit"
	Rejections What = "rejections"
)

// All there is, in the order that it is written in.
var All = []What{Events, Runs, Journal, Callbacks, Audit, Rejections}

// Selection says what to write.
type Selection struct {
	What []What // all if empty
	// Since and Until bound when it came or was made (of a journal: when its run was):
	// not before, and before. Zero is without a bound.
	Since, Until time.Time
	// Source, if set, is the one that things go back to. A row of the audit goes back to
	// that of its run.
	Source string
}

// Has reports whether a part is wanted.
func (s Selection) Has(what What) bool { return len(s.What) == 0 || slices.Contains(s.What, what) }

// Store hands out what it keeps, as the lines of this package, one by one, all as of one
// moment. It holds no more than one of them in memory. An error of write ends it.
type Store interface {
	Export(ctx context.Context, s Selection, write func(line Line) error) error
}

// Write writes what is selected, and counts the lines by their kind.
func Write(ctx context.Context, w io.Writer, store Store, s Selection) (map[string]int, error) {
	counts := map[string]int{}
	out := bufio.NewWriter(w)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err := store.Export(ctx, s, func(line Line) error {
		if err := encoder.Encode(line); err != nil {
			return fmt.Errorf("writing a line: %w", err)
		}
		counts[line.kind()]++
		return nil
	})
	if err == nil {
		err = out.Flush()
	}
	return counts, err
}
