package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/server/export"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// whole is evidence in which everything holds: two events of a customer, one behind the
// other, each with a run that makes one call and is told.
func whole(t *testing.T) *evidence {
	t.Helper()
	e := &evidence{}
	var lines bytes.Buffer
	write := func(line any) {
		if err := json.NewEncoder(&lines).Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	for i, key := range []string{"ev_a_000001", "ev_a_000002"} {
		event, run, call, message := fmt.Sprintf("evt_%d", i), fmt.Sprintf("run_%d", i), fmt.Sprintf("key_%d", i), fmt.Sprintf("msg_%d", i)
		when := 10 * i
		e.Acks = append(e.Acks, ack{Key: key, ID: event, Source: ordered, Customer: "cus_00", Sent: at(when), At: at(when + 1)})
		e.Effects = append(e.Effects, effect{Key: call, Event: key, Step: "1a", Tool: "mail_send", At: at(when + 4)})
		e.Told = append(e.Told, told{ID: message, Run: run, State: "succeeded", Times: 2, Valid: true, Taken: true})
		write(export.Event{Kind: "event", ID: event, Source: ordered, Key: key, Status: "routed", ReceivedAt: export.At(at(when))})
		write(export.Run{Kind: "run", ID: run, Source: ordered, Event: event, State: "succeeded", Reason: "answered", Subject: "cus_00", Answer: "Done."})
		for seq, data := range []string{`{}`, `{}`,
			fmt.Sprintf(`{"answer":2,"index":0,"tool":"far__mail_send","arguments":{"event":%q,"step":"1a"},"effect":"message","key":%q}`, key, call),
			`{"answer":2,"index":0,"content":"done"}`, `{}`, `{}`} {
			kind := []string{"brief", "answer", "intent", "result", "answer", "outcome"}[seq]
			write(export.Entry{Kind: "entry", Run: run, Seq: int64(seq + 1), Entry: kind, At: export.At(at(when + 2 + seq)), Data: json.RawMessage(data)})
		}
		write(export.Callback{Kind: "callback", ID: message, Run: run, State: "delivered"})
		write(export.Call{Kind: "audit", Tool: "far__mail_send", Effect: "message", Decision: "allowed", Outcome: "ok", Run: run, Key: call})
	}
	if err := e.read(&lines); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestNothingIsFoundWhereEverythingHolds(t *testing.T) {
	e := whole(t)
	if found := check(e); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
	if len(e.Events) != 2 || len(e.Runs) != 2 || len(e.Journals["run_1"]) != 6 || len(e.Callbacks) != 2 || len(e.Audit) != 2 {
		t.Errorf("the export was read as %d events, %d runs, %d entries, %d callbacks, %d rows of the audit", len(e.Events), len(e.Runs), len(e.Journals["run_1"]), len(e.Callbacks), len(e.Audit))
	}
}

// doctored are ways to break the evidence, with what has to be found.
var doctored = map[string]struct {
	doctor func(e *evidence)
	want   []class // no more and no less
	says   string
}{
	"an acknowledged event that is not stored": {func(e *evidence) {
		e.Acks = append(e.Acks, ack{Key: "ev_a_000003", ID: "evt_3", Source: bounded})
	}, []class{loss}, "evt_3, and is not stored"},
	"an event stored under another id": {func(e *evidence) { e.Acks[0].ID = "evt_other" }, []class{loss}, "evt_other"},
	"one delivery as two events": {func(e *evidence) {
		e.Acks[0].Others = []string{"evt_7"}
		e.Events = append(e.Events, storedEvent{ID: "evt_7", Key: "ev_a_000001", Status: "routed"})
		e.Runs = append(e.Runs, storedRun{ID: "run_7", Event: "evt_7", State: "dead"})
		e.Journals["run_7"] = []entry{{Seq: 1, Entry: "outcome"}}
		e.Callbacks = append(e.Callbacks, storedCallback{"msg_7", "run_7", "delivered"})
		e.Told = append(e.Told, told{ID: "msg_7", Run: "run_7", State: "dead", Valid: true, Taken: true})
	}, []class{duplicate, duplicate}, "acknowledged as 2 events"},
	"an event that nobody took":      {func(e *evidence) { e.Open = []string{"ev_a_000009"} }, []class{loss}, "never acknowledged"},
	"an event that was not routed":   {func(e *evidence) { e.Events[0].Status = "accepted" }, []class{loss}, "is accepted"},
	"an event without a run":         {func(e *evidence) { e.Events = append(e.Events, storedEvent{ID: "evt_8", Key: "k", Status: "routed"}) }, []class{loss}, "no run"},
	"a run that is still at work":    {func(e *evidence) { e.Runs[0].State = "running" }, []class{leak, loss}, "leased"},
	"a run that failed":              {func(e *evidence) { e.Runs[0].State = "failed" }, []class{loss}, "failed"},
	"a second run of an event":       {func(e *evidence) { second(e) }, []class{duplicate}, "2 runs"},
	"a missing entry":                {func(e *evidence) { e.Journals["run_0"] = slices.Delete(e.Journals["run_0"], 1, 2) }, []class{gap, gap, gap, gap}, "has number 3"},
	"a journal without an end":       {func(e *evidence) { e.Journals["run_0"] = e.Journals["run_0"][:5] }, []class{gap}, "is answer"},
	"a journal that ends twice":      {func(e *evidence) { endTwice(e) }, []class{gap}, "entry 6 of 7"},
	"a call without a result":        {func(e *evidence) { e.Journals["run_0"][3].Entry = "note" }, []class{gap}, "no result"},
	"another intent of a call":       {func(e *evidence) { again(e, `"again":0`) }, []class{duplicate}, "another intent"},
	"two effects of a key":           {func(e *evidence) { e.Effects = append(e.Effects, e.Effects[0]) }, []class{duplicate}, "2 effects of mail_send"},
	"two effects of a step":          {func(e *evidence) { otherKey(e) }, []class{duplicate, stray}, "under 2 keys"},
	"an effect that nobody intended": {func(e *evidence) { e.Effects = append(e.Effects, effect{Key: "x", Event: "y", Step: "1a"}) }, []class{stray}, "in no journal"},
	"an effect without a key":        {func(e *evidence) { e.Effects = append(e.Effects, effect{Event: "y", Step: "1a"}) }, []class{stray}, "without a key"},
	"an effect that is not audited":  {func(e *evidence) { e.Audit = e.Audit[1:] }, []class{stray}, "no audit record"},
	"an effect that is gone":         {func(e *evidence) { e.Effects = e.Effects[1:] }, []class{loss}, "as done, and it was not"},
	"an effect that is denied": {func(e *evidence) {
		e.Journals["run_0"][3].Data = json.RawMessage(`{"answer":2,"index":0,"is_error":true,"content":"not there; nothing was changed."}`)
	}, []class{untrue}, "nothing was changed"},
	"a call that nobody cared for": {func(e *evidence) {
		e.Journals["run_0"][3].Data = json.RawMessage(`{"answer":2,"index":0,"is_error":true,"content":"no answer came. It may have taken effect."}`)
	}, []class{unsettled}, "neither looked nor waited"},
	"one key for two calls":       {func(e *evidence) { e.Journals["run_1"][2].Data = e.Journals["run_0"][2].Data }, []class{duplicate, stray}, "that of 2 calls"},
	"a callback that never came":  {func(e *evidence) { e.Told = e.Told[1:] }, []class{loss}, "never arrived"},
	"a callback that nobody took": {func(e *evidence) { e.Told[0].Taken = false }, []class{loss}, "never arrived"},
	"a callback that is given up": {func(e *evidence) { e.Callbacks[0].State = "dead" }, []class{loss}, "is dead"},
	"a callback under two ids": {func(e *evidence) {
		e.Told = append(e.Told, told{ID: "m", Run: "run_0", State: "succeeded", Valid: true, Taken: true})
	}, []class{duplicate}, "2 ids"},
	"a callback of another end":        {func(e *evidence) { e.Told[0].State = "dead" }, []class{untrue}, "told that the run is dead"},
	"a callback with a wrong name":     {func(e *evidence) { e.Told[0].Valid = false }, []class{untrue}, "signature"},
	"two runs of a subject at once":    {func(e *evidence) { e.Journals["run_1"][0].At = at(6) }, []class{disorder}, "went on until"},
	"two runs the wrong way round":     {func(e *evidence) { e.Acks[0].Sent, e.Acks[0].At = at(20), at(21) }, []class{disorder}, "once it was acknowledged"},
	"a journal of nothing":             {func(e *evidence) { e.Journals["run_9"] = []entry{{Seq: 1}} }, []class{stray}, "of no stored run"},
	"an answer that blames the sender": {func(e *evidence) { e.Refused = []string{"event x was answered 401"} }, []class{broken}, "401"},
	"a node that ended by itself":      {func(e *evidence) { e.Alarms = []string{"n1 ended by itself"} }, []class{broken}, "by itself"},
}

// second gives the first event a second run, which is told as well.
func second(e *evidence) {
	e.Runs = append(e.Runs, storedRun{ID: "run_5", Event: "evt_0", State: "succeeded"})
	e.Journals["run_5"] = []entry{{Seq: 1, Entry: "brief"}, {Seq: 2, Entry: "outcome"}}
	e.Callbacks = append(e.Callbacks, storedCallback{"msg_5", "run_5", "delivered"})
	e.Told = append(e.Told, told{ID: "msg_5", Run: "run_5", State: "succeeded", Valid: true, Taken: true})
}

// again has the first call made once more.
func again(e *evidence, how string) {
	j := e.Journals["run_0"]
	data := bytes.Replace(j[2].Data, []byte(`"index":0`), []byte(`"index":0,`+how), 1)
	j = slices.Insert(j, 3, entry{Seq: 4, Entry: "doubt", At: j[3].At}, entry{Seq: 5, Entry: "intent", At: j[3].At, Data: data})
	for i := range j {
		j[i].Seq = int64(i + 1)
	}
	e.Journals["run_0"] = j
}

func TestCallThatIsKnownNotToHaveHappenedIsMadeAgain(t *testing.T) {
	e := whole(t)
	again(e, `"again":1`)
	if found := check(e); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}

func endTwice(e *evidence) {
	last := e.Journals["run_0"][5]
	last.Seq = 7
	e.Journals["run_0"] = append(e.Journals["run_0"], last)
}

// otherKey has the first call take effect once more, under a key of its own.
func otherKey(e *evidence) {
	again := e.Effects[0]
	again.Key = "another"
	e.Effects = append(e.Effects, again)
}

func TestDoctoredEvidenceIsFound(t *testing.T) {
	for name, c := range doctored {
		t.Run(name, func(t *testing.T) {
			e := whole(t)
			c.doctor(e)
			found := check(e)
			var classes []class
			said := false
			for _, v := range found {
				classes = append(classes, v.Class)
				said = said || strings.Contains(v.What, c.says)
			}
			slices.Sort(classes)
			want := slices.Sorted(slices.Values(c.want))
			if !slices.Equal(classes, want) || !said {
				t.Errorf("found %+v, want %v, one of which says %q", found, want, c.says)
			}
		})
	}
}

func TestTableCountsWhatWasFound(t *testing.T) {
	e := whole(t)
	e.Effects = append(e.Effects, e.Effects[0])
	e.Acks = append(e.Acks, ack{Key: "ev_a_000003", ID: "evt_3"})
	e.Strikes = []*strike{{What: kill, Node: "n1", At: at(3), From: at(3), Until: at(4), Carried: []string{"ev_a_000001"}}}
	e.Journals["run_0"] = slices.Insert(e.Journals["run_0"], 3, entry{Seq: 4, Entry: "doubt"})
	for i := range e.Journals["run_0"] {
		e.Journals["run_0"][i].Seq = int64(i + 1)
	}
	e.Decided = map[string]int{"happened": 3}
	r := newReport(e, check(e))
	if r.Duplicates != 1 || r.Losses != 1 || r.Unknown != 1 || r.Calls != 2 || r.Failovers != 1 || r.Failover == nil || r.Failover.Took != time.Second {
		t.Errorf("the report is %+v, with the failover %v", r, r.Failover)
	}
	var out strings.Builder
	r.print(&out)
	for _, want := range []string{"duplicates", "2 effects of mail_send", "is not stored", "1 -9", "1s (run_0, n1", "3 happened"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table does not say %q:\n%s", want, out.String())
		}
	}
}

func TestExportThatCannotBeReadIsNoEvidence(t *testing.T) {
	for _, text := range []string{"{", `{"kind":"event","id":7}`, `{"kind":"entry","seq":"one"}`} {
		if err := new(evidence).read(strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken for an export", text)
		}
	}
}
