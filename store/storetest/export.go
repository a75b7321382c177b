package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/export"
	"drawbridge/server/guard"
	"drawbridge/server/webhook"
)

// exported are the lines of a selection, each by what tells it from the others.
func exported(t *testing.T, h Harness, s export.Selection) []string {
	t.Helper()
	var lines []string
	err := h.Store().Export(t.Context(), s, func(line export.Line) error {
		switch l := line.(type) {
		case *export.Event:
			lines = append(lines, "event "+l.ID)
		case *export.Delivery:
			lines = append(lines, "delivery of "+l.Source)
		case *export.Run:
			lines = append(lines, fmt.Sprintf("run %s %s", l.ID, l.State))
		case *export.Entry:
			lines = append(lines, fmt.Sprintf("entry %s %d %s", l.Run, l.Seq, l.Entry))
		case *export.Callback:
			lines = append(lines, fmt.Sprintf("callback %s %s", l.ID, l.State))
		case *export.Attempt:
			lines = append(lines, fmt.Sprintf("attempt %s %d", l.Callback, l.N))
		case *export.Call:
			lines = append(lines, "call "+l.Key)
		case *export.Rejection:
			lines = append(lines, "rejection "+l.Source)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func exportHandsOutWhatIsSelected(t *testing.T, h Harness) {
	began := h.Now()
	for n := 1; n <= 2; n++ {
		id := fmt.Sprintf("run_%d", n)
		routed(t, h, n)
		ends(t, h, id, dispatch.Succeeded, bridge.Answered, owed(h, n))
		attempted(t, h, fmt.Sprintf("msg_%d", n), dispatch.Delivered)
		row := guard.Row{At: h.Now(), Principal: "agent:billing", Door: "agent", Tool: "crm_get_customer", Effect: "read", Decision: guard.Allowed, Outcome: "ok", Arguments: json.RawMessage(`{}`), Run: id, Key: fmt.Sprint("key_", n)}
		if err := h.Store().Record(t.Context(), row, nil); err != nil {
			t.Fatal(err)
		}
		h.Advance(time.Hour)
	}
	if _, err := h.Store().Accept(t.Context(), webhook.Batch{Raw: []byte(`[3,4]`), Events: []webhook.Event{event(h, 3), event(h, 4)}}); err != nil {
		t.Fatal(err)
	}
	if err := h.Store().Reject(t.Context(), webhook.Rejection{Source: "other", At: h.Now(), Remote: "192.0.2.1", Status: 401, Reason: "wrong"}); err != nil {
		t.Fatal(err)
	}
	of := func(n int) []string {
		return []string{fmt.Sprint("event ", event(h, n).ID), fmt.Sprintf("run run_%d succeeded", n), fmt.Sprintf("entry run_%d 1 brief", n), fmt.Sprintf("entry run_%d 2 outcome", n),
			fmt.Sprintf("callback msg_%d delivered", n), fmt.Sprintf("attempt msg_%d 1", n)}
	}
	calls := func(n ...int) (lines []string) {
		for _, n := range n {
			lines = append(lines, fmt.Sprint("call key_", n))
		}
		return lines
	}
	later := []string{"event " + event(h, 3).ID, "event " + event(h, 4).ID, "delivery of shop"}
	for name, c := range map[string]struct {
		selection export.Selection
		want      []string
	}{
		"all":            {export.Selection{}, slices.Concat(of(1), of(2), later, calls(1, 2), []string{"rejection other"})},
		"before":         {export.Selection{Until: began.Add(time.Hour)}, slices.Concat(of(1), calls(1))},
		"since":          {export.Selection{Since: began.Add(90 * time.Minute)}, slices.Concat(later, []string{"rejection other"})},
		"between":        {export.Selection{Since: began.Add(time.Hour), Until: began.Add(2 * time.Hour)}, slices.Concat(of(2), calls(2))},
		"of a source":    {export.Selection{Source: "shop", Until: began.Add(2 * time.Hour)}, slices.Concat(of(1), of(2), calls(1, 2))},
		"of another one": {export.Selection{Source: "other"}, []string{"rejection other"}},
		"a part":         {export.Selection{What: []export.What{export.Journal}, Source: "shop", Since: began.Add(time.Hour)}, of(2)[2:4]},
	} {
		got := exported(t, h, c.selection)
		slices.Sort(got)
		slices.Sort(c.want)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	// What belongs together is in order.
	for _, part := range []struct {
		what export.What
		want []string
	}{{export.Journal, slices.Concat(of(1)[2:4], of(2)[2:4])}, {export.Runs, []string{of(1)[1], of(2)[1]}}} {
		if diff := cmp.Diff(part.want, exported(t, h, export.Selection{What: []export.What{part.what}})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", part.what, diff)
		}
	}
}
