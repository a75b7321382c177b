package mcpserver

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
)

func FuzzLinesAreCutAtTheLimit(f *testing.F) {
	f.Add([]byte("a\nbb\n\nccc"), 2)
	f.Add([]byte(strings.Repeat("x", 5000)+"\r\ny\n"), 4096)
	f.Fuzz(func(t *testing.T, input []byte, limit int) {
		limit = max(1, min(limit, 10_000))
		in := bufio.NewReader(bytes.NewReader(input))
		want := bytes.Split(input, []byte("\n"))
		for i, expected := range want {
			line, tooLong, err := readLine(in, limit)
			expected = bytes.TrimRight(expected, "\r")
			if tooLong != (len(expected) > limit) && !bytes.Contains(expected, []byte("\r")) {
				t.Fatalf("line %d of %d bytes: too long %v at limit %d", i, len(expected), tooLong, limit)
			}
			if !tooLong && !bytes.Equal(bytes.TrimRight(line, "\r\n"), expected) {
				t.Fatalf("line %d: %q, want %q", i, line, expected)
			}
			if last := i == len(want)-1; (err == io.EOF) != last {
				t.Fatalf("line %d of %d: %v", i, len(want), err)
			}
		}
	})
}
