package mcpmount

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"testing"

	"golang.org/x/time/rate"
)

// silence is a wire that takes everything and brings nothing.
type silence struct{}

func (silence) open(context.Context, inbox) error  { return nil }
func (silence) send(context.Context, parcel) error { return nil }
func (silence) agreed(string)                      {}
func (silence) close()                             {}

// FuzzWhatAServerSends: whatever comes in, a waiting call gets an answer that was
// sent to it or none, and the connection can be closed.
func FuzzWhatAServerSends(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"result":{}}`, `{"id":"1","error":{"code":1,"message":"x"}}`, `{"id":null,"error":{}}`,
		`[{"id":1},{"method":"ping","id":[1]}]`, `{"method":"elicitation/create","id":2,"params":{"message":"x","requestedSchema":{}}}`,
		`{"method":"notifications/progress","params":{"progressToken":"1","progress":1e400}}`, `[`, `{"id":1e0,"result":1}`, "\xff",
		`{"method":"notifications/tools/list_changed"}`, `{"id":9223372036854775808,"result":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := newConn(silence{}, slog.New(slog.DiscardHandler), newCleaner(Settings{}), productionTiming, "shop")
		c.pace = rate.NewLimiter(rate.Inf, 1)
		id, x := c.expect(request{caller: t.Context()})
		c.receive(0, text)
		c.receive(id, text)
		c.close()
		select {
		case m := <-x.answer:
			if answered, ok := m.answered(); (!ok || answered != id) && m.Error == nil {
				t.Errorf("%q answered request %d", text, id)
			}
		default:
		}
	})
}

// FuzzReadTool: a definition that can be read has a hash that white space and the
// order of keys do not change, and gives a tool.
func FuzzReadTool(f *testing.F) {
	for _, seed := range []string{
		`{"name":"x","description":"d","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}`,
		`{"name":"ü /","inputSchema":true,"outputSchema":null,"annotations":7}`, `{"name":"","title":1}`, `[]`, `null`,
		`{"name":"x","inputSchema":{"a":1e999,"a":2}}`,
	} {
		f.Add([]byte(seed))
	}
	m, err := New(Settings{Name: "shop", Command: []string{"x"}, TrustHints: true}, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tool, err := readTool(raw)
		if err != nil {
			return
		}
		if offered := m.offer(tool); !json.Valid(offered.Input) {
			t.Errorf("%q gives the schema %q", raw, offered.Input)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(raw, &fields); err != nil {
			t.Fatal(err)
		}
		sorted, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readTool(sorted)
		if err != nil || again.hash != tool.hash {
			t.Errorf("%q and %q: hashes %s and %s, %v", raw, sorted, tool.hash, again.hash, err)
		}
	})
}

// FuzzReadEvents: no event is longer than the limit, and the reader ends.
func FuzzReadEvents(f *testing.F) {
	f.Add([]byte("event: endpoint\ndata: /x\n\ndata: 1\ndata\n\n:\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		const limit = 64
		err := readEvents(bytes.NewReader(text), limit, &cursor{}, func(e event) error {
			if len(e.data) > 2*limit || len(e.name) > limit+2 {
				t.Errorf("an event of %d bytes", len(e.data))
			}
			return nil
		})
		if !errors.Is(err, io.EOF) && !errors.Is(err, errTooLong) {
			t.Errorf("it ended with %v", err)
		}
	})
}
