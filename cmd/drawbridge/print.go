package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/mattn/go-isatty"
)

// printJSON prints one value as indented JSON.
func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// table prints rows in columns under a header; one without rows says so.
func table(w io.Writer, empty string, header []string, rows [][]string) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, empty)
		return err
	}
	columns := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		if _, err := fmt.Fprintln(columns, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return columns.Flush()
}

// oneLine makes text from anywhere safe to show on one line of a terminal: no
// control characters, no escape sequences, at most width runes.
func oneLine(text string, width int) string {
	text = strings.Join(strings.Fields(text), " ")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return text
}

// printable is text with line breaks kept, and without what could rewrite a terminal's
// screen or show text in another order than it has: control characters, overrides of
// the direction of writing, separators of lines that are none here.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp)) {
			return -1
		}
		return r
	}, text)
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// paint colours text when w is a terminal and the person did not forbid it
// (https://no-color.org).
type paint struct{ on bool }

func paintFor(w io.Writer) paint {
	file, ok := w.(*os.File)
	_, forbidden := os.LookupEnv("NO_COLOR")
	return paint{ok && !forbidden && isatty.IsTerminal(file.Fd())}
}

func (p paint) code(code, text string) string {
	if !p.on {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p paint) good(text string) string { return p.code("32", text) }
func (p paint) bad(text string) string  { return p.code("31", text) }
func (p paint) dim(text string) string  { return p.code("2", text) }
func (p paint) bold(text string) string { return p.code("1", text) }
