package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/store/state"
)

const (
	bossKey     = "boss-key-0123456789abcdefg"
	parkingNote = "ask her first"
	// parkingPatience is how long anything may take: it bounds a test that would hang.
	parkingPatience = 3 * time.Minute
)

// parking is one run whose only call needs an approval, and the processes around it.
type parking struct {
	t       *testing.T
	store   testStore
	url     string
	kept    *state.Store // to look at
	files   []string     // the settings of each node; they differ in how the far side knows it
	far     *farSide
	fake    *openaitest.Server
	token   string
	approve bool

	nodes  []*parkingNode
	deaths chan *parkingNode
	dead   bool // somebody died since the token was put there
	run    string
	known  chan struct{} // closed once run is
}

// parkingNode is a process that serves, and what the far side calls it.
type parkingNode struct {
	*program
	name string
}

func newParking(t *testing.T, store testStore, tool string, approve bool, nodes int) *parking {
	p := &parking{t: t, store: store, url: store.fresh(t), far: newFarSide(t), fake: openaitest.New(t), approve: approve, deaths: make(chan *parkingNode, 16), known: make(chan struct{})}
	p.fake.Func(func(q openaitest.Request) openaitest.Reply {
		select {
		case <-p.known:
		case <-t.Context().Done():
		}
		if q.Turn() == 1 {
			return openaitest.Call("far__"+tool, `{"id":"a"}`)
		}
		return openaitest.Say("done")
	})
	folder := t.TempDir()
	p.token = filepath.Join(folder, "token")
	for i := range nodes {
		file := filepath.Join(folder, fmt.Sprintf("node%d.yaml", i))
		text := fmt.Sprintf(`store: {url: %q}
server:
  listen: 127.0.0.1:0
  keys: [{name: front, key: %s, tools: ["*"], agents: [desk]}, {name: boss, key: %s, tools: [crm_list_tasks], approve: true}]
log: {format: json}
model: {base_url: %q, name: main}
agents: {desk: {tools: ["far__*"]}}
policy:
  defaults: off
  rules: [{name: every write, when: effect != "read", then: approve, reason: it changes something}]
%s`, p.url, frontKey, bossKey, p.fake.URL(), fmt.Sprintf(farSettings, fmt.Sprintf("%s?node=%d", p.far.url, i)))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.files = append(p.files, file)
	}
	return p
}

// begin has all nodes serve. The first that comes to the point while there is a token
// dies there.
func (p *parking) begin(point bridge.Point) {
	p.t.Helper()
	for i := range p.files {
		p.serves(i, point)
	}
	if p.kept == nil {
		p.kept = lookAt(p.t, p.url)
	}
	nodes := slices.Clone(p.nodes)
	kill := func(at bridge.Point) bool {
		if at != point || os.Remove(p.token) != nil {
			return false
		}
		for _, node := range nodes {
			if node.name == p.far.caller() {
				_ = node.cmd.Process.Kill()
				node.logs.Wait() // until it is dead
			}
		}
		return true
	}
	p.far.around(func() bool { return !kill(beforeEffect) }, func() bool { return !kill(behindEffect) })
}

// serves starts a node.
func (p *parking) serves(i int, point bridge.Point) {
	p.t.Helper()
	variables := []string{tokenVariable + "=" + p.token}
	if point != "" {
		variables = append(variables, dieVariable+"="+string(point))
	}
	node := &parkingNode{serve(p.t, p.files[i], variables...), fmt.Sprint(i)}
	awaitMount(p.t, node.program, "far")
	p.nodes = append(p.nodes, node)
	go func() {
		node.logs.Wait()
		p.deaths <- node
	}()
}

// again has somebody serve who dies nowhere, if nobody does.
func (p *parking) again() {
	p.t.Helper()
	if len(p.nodes) == 0 {
		p.serves(0, "")
	}
}

// arm puts the token there: from now on somebody dies.
func (p *parking) arm() {
	p.t.Helper()
	p.dead = false
	if err := os.WriteFile(p.token, nil, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// start has a program start the run.
func (p *parking) start() {
	p.t.Helper()
	p.run = startedRun(p.t, p.nodes[0].base, frontKey, `{"agent":"desk","prompt":"Put it."}`)
	close(p.known)
}

// died waits until a node is dead, unless that was seen already, and sees to it that
// somebody serves.
func (p *parking) died() {
	p.t.Helper()
	patience := time.After(parkingPatience)
	for !p.dead {
		select {
		case node := <-p.deaths:
			i := slices.Index(p.nodes, node)
			if i < 0 {
				continue // the test's own doing
			}
			_ = node.cmd.Wait() // it reports the kill
			p.nodes, p.dead = slices.Delete(p.nodes, i, i+1), true
		case <-patience:
			p.t.Fatal("nobody died")
		}
	}
	p.again()
}

// approval is the only one there is; nil if there is none yet.
func (p *parking) approval() *guard.Approval {
	p.t.Helper()
	all, err := p.kept.ListApprovals(p.t.Context(), guard.ApprovalFilter{}, "", 10)
	if err != nil || len(all) > 1 {
		p.t.Fatalf("the approvals are %+v (%v)", all, err)
	}
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}

func (p *parking) awaitParked() {
	p.t.Helper()
	eventually(p.t, "the run to wait for its approval", parkingPatience, func() bool {
		run, err := p.kept.Run(p.t.Context(), p.run)
		if err != nil {
			p.t.Fatal(err)
		}
		return run.AwaitsApproval()
	})
}

// decide has the boss decide as soon as there is something to decide about, as often as it
// takes until somebody has taken it down: one that dies on the way may have, or may not.
func (p *parking) decide() {
	p.t.Helper()
	eventually(p.t, "something to decide about", parkingPatience, func() bool { return p.approval() != nil })
	if all, _, calls := p.far.took(); all != 0 || calls != 0 {
		p.t.Errorf("before anybody has decided there are %d effects of %d calls", all, calls)
	}
	body := fmt.Sprintf(`{"decision":"deny","note":%q}`, parkingNote)
	if p.approve {
		body = `{"decision":"approve"}`
	}
	for range 3 {
		status, answer, alive := p.says(p.nodes[0], body)
		switch {
		case alive && (status == http.StatusOK || status == http.StatusConflict && strings.Contains(answer, "approval_decided")):
			return
		case alive:
			p.t.Fatalf("the decision was answered %d %s", status, answer)
		}
		p.died()
	}
	p.t.Fatal("nobody took the decision down")
}

// says sends a decision to a node, which may die over it.
func (p *parking) says(node *parkingNode, body string) (status int, answer string, alive bool) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, node.base+"/v1/approvals/"+p.approval().ID+"/decide", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bossKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", false
	}
	defer func() { _ = response.Body.Close() }()
	var said json.RawMessage
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil {
		return 0, "", false
	}
	return response.StatusCode, string(said), true
}

// ends waits for the end of the run, with a person's word where nobody knows what became
// of its call, and looks at everything that is left.
func (p *parking) ends(want ended) {
	p.t.Helper()
	m := &mortal{t: p.t, url: p.url, file: p.files[0], far: p.far, run: p.run}
	run := m.await(p.kept)
	all, most, calls := p.far.took()
	if all != want.effects || calls != want.calls || most > 1 || run.Undecided() != want.asks {
		p.t.Errorf("the run is %s %s after %d calls with %d effects, want %+v", run.State, run.Reason, calls, all, want)
	}
	if run.Undecided() {
		m.decide(all > 0)
		run = m.await(p.kept)
	}
	if run.State != dispatch.Succeeded || run.Answer != "done" {
		p.t.Errorf("the run is %s %s: %s", run.State, run.Reason, run.Answer)
	}
	effects, state := 0, guard.ApprovalDenied
	if p.approve {
		effects, state = 1, guard.ApprovalUsed
	}
	if all, most, _ := p.far.took(); all != effects || most > 1 {
		p.t.Errorf("%d effects in the end, want %d", all, effects)
	}
	if a := p.approval(); a == nil || a.State != state || len(a.Decisions) != 1 || a.Run != p.run {
		p.t.Errorf("the approval is %+v, want it %s by one decision", a, state)
	}
	p.journal()
	p.told()
	for _, node := range p.nodes {
		node.stop(p.t)
	}
}

// journal wants the run's journal without gaps, and without a word of another approval.
func (p *parking) journal() {
	p.t.Helper()
	checkJournal(p.t, p.kept, p.run)
	entries, err := p.kept.Entries(p.t.Context(), p.run)
	if err != nil {
		p.t.Fatal(err)
	}
	kinds := map[bridge.EntryKind]int{}
	for _, e := range entries {
		kinds[e.Kind]++
		var named struct{ ID string }
		if e.Kind != bridge.EntryApproval && e.Kind != bridge.EntryApproved {
			continue
		}
		if err := json.Unmarshal(e.Body, &named); err != nil || named.ID != p.approval().ID {
			p.t.Errorf("entry %d is about the approval %q (%v)", e.Seq, named.ID, err)
		}
	}
	if kinds[bridge.EntryResult] != 1 || kinds[bridge.EntryApproved] > 1 || kinds[bridge.EntryAnswer] != 2 {
		p.t.Errorf("the journal has %v, want one result, two answers, and one word of the decision at most", kinds)
	}
}

// told wants the model told of what became of its call: of a denial why.
func (p *parking) told() {
	p.t.Helper()
	heard := false
	for _, q := range p.fake.Requests() {
		for _, name := range []string{"far__put", "far__put_once"} {
			if text, ok := q.Result(name); ok && strings.Contains(text, parkingNote) {
				heard = true
			}
		}
	}
	if heard == p.approve {
		p.t.Errorf("approved %v, and the model was told of a denial: %v", p.approve, heard)
	}
}
