package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/mark3labs/mcp-go/client/transport"

	"drawbridge/bridge"
	"drawbridge/bridge/replay"
)

// replays carries the run of a world once more, on what its journal has recorded, and
// holds the two against each other. newWorld has it done behind every test: whatever a run
// goes through there, it comes out the same again.
func replays(t *testing.T, w *world) {
	entries, err := w.journal.Entries(context.Background(), runID)
	if err != nil {
		t.Fatal(err)
	}
	if end := w.ended.Entry(w.now); w.ended.Status != bridge.Waiting && end.Seq == int64(len(entries))+1 {
		entries = append(entries, end) // the caller's to write, and few tests do
	}
	recording, err := replay.Read(runID, entries)
	if errors.Is(err, replay.ErrNothing) {
		return
	}
	if err != nil {
		if _, broken := bridge.UsageOf(runID, entries); broken == nil {
			t.Errorf("reading a journal that a bridge can read: %v", err)
		}
		return
	}
	session, err := bridge.Connect(context.Background(), transport.NewInProcessTransport(w.server))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	tools, _, err := session.Tools(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	played, err := recording.Play(context.Background(), replay.Options{Tools: tools})
	if err != nil {
		t.Errorf("replaying the run: %v", err)
		return
	}
	report, err := replay.Compare(recording, played, replay.Rules{})
	if err != nil {
		t.Error(err)
		return
	}
	if !report.Same {
		t.Errorf("the run comes out otherwise when it is replayed: %s", told(report))
	}
}

// told is what a report says of differences.
func told(r replay.Report) string {
	text := fmt.Sprintf("%v\nrecorded: %s\nreplayed: %s %s\n", r.Differs, asJSON(r.Recorded), asJSON(r.Replayed), r.Replayed.Stopped)
	for _, pair := range r.Turns {
		if !pair.Same {
			text += fmt.Sprintf("turn %d: %v\n%s\n", pair.Number, pair.Differs, asJSON(pair))
		}
	}
	return text
}

func asJSON(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}
