package export_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"drawbridge/server/export"
)

func TestAddressOfACallerIsShownUpToItsHost(t *testing.T) {
	for address, want := range map[string]string{
		"shop": "shop", "": "", "https://hooks.example.com/T0/B0/secret?token=x": "https://hooks.example.com/…", "http://user:pass@127.0.0.1:9000": "http://127.0.0.1:9000/…",
		"https://[::1/broken": "…",
	} {
		if got := export.Host(address); got != want {
			t.Errorf("Host(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestTextIsTextOrSaysThatItIsNone(t *testing.T) {
	for raw, want := range map[string][2]string{"": {"", ""}, "Malm\u00f6\x00": {"Malm\u00f6\x00", ""}, "\xff": {"/w==", "base64"}, "\xed\xa0\x80": {"7aCA", "base64"}} {
		if text, encoding := export.Text([]byte(raw)); text != want[0] || encoding != want[1] {
			t.Errorf("Text(%q) = %q, %q; want %q", raw, text, encoding, want)
		}
	}
	for raw, want := range map[string]string{`{"n": 1e400}`: `{"n": 1e400}`, `{"a":`: `"{\"a\":"`, "": `""`} {
		if got := string(export.JSON([]byte(raw))); got != want {
			t.Errorf("JSON(%q) = %s, want %s", raw, got, want)
		}
	}
	if got, err := json.Marshal(export.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)))); err != nil || string(got) != `"2026-01-02T02:04:05.000Z"` {
		t.Errorf("a time is written %s (%v)", got, err)
	}
	if export.At(time.Time{}) != nil {
		t.Error("no time is written as one")
	}
}

// source hands out lines without end, and counts them.
type source struct{ lines int }

func (s *source) Export(ctx context.Context, _ export.Selection, write func(export.Line) error) error {
	for ctx.Err() == nil {
		s.lines++
		if err := write(&export.Entry{Kind: "entry", Seq: int64(s.lines), Data: json.RawMessage(`"` + strings.Repeat("x", 10_000) + `"`)}); err != nil {
			return fmt.Errorf("line %d: %w", s.lines, err)
		}
	}
	return ctx.Err()
}

// narrow takes so many bytes.
type narrow struct{ room int }

var errFull = errors.New("no room")

func (n *narrow) Write(p []byte) (int, error) {
	if n.room -= len(p); n.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestNoMoreIsReadThanCanBeWritten(t *testing.T) {
	from := &source{}
	counts, err := export.Write(t.Context(), &narrow{room: 1_000_000}, from, export.Selection{})
	if !errors.Is(err, errFull) || from.lines > 102 || counts["entry"] != from.lines-1 {
		t.Errorf("%d lines were read and %v counted, with %v; want about a hundred, and the writer's error", from.lines, counts, err)
	}
}
