package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/bridge"
	"drawbridge/server/guard"
)

// askVariable has the test binary, being drawbridge, want an approval for every write.
const askVariable = "DRAWBRIDGE_TEST_ASK"

// askWrites wants people to agree to whatever is no read.
type askWrites struct{}

func (askWrites) Version() string { return "test" }

func (askWrites) Judge(_ context.Context, q guard.Question) guard.Verdict {
	if q.Tool.Effect == "read" {
		return guard.Verdict{Action: guard.Allow}
	}
	return guard.Verdict{Action: guard.Approve, Rule: "every write", Reason: "it changes something"}
}

// askAlways makes this process one in which that rule holds.
func askAlways() {
	guarding = func(o guard.Options) guard.Options {
		o.Policy = askWrites{}
		return o
	}
}

// clientOf is an MCP client whose calls need approvals, and who sits them out.
type clientOf struct {
	t      *testing.T
	file   string
	tool   string
	key    string // "" for none
	server *program
}

// call makes the call, and gives the code of its error and the approval it needed; false
// if the server died under it.
func (c clientOf) call() (code, approval string, answered bool) {
	c.t.Helper()
	meta := ""
	if c.key != "" {
		meta = fmt.Sprintf(`,"_meta":{"drawbridge/idempotency-key":%q}`, c.key)
	}
	raw, ok := postMCP(c.t, c.server.base, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"far__%s","arguments":{"id":"a"}%s}}`, c.tool, meta))
	if !ok {
		return "", "", false
	}
	var answer struct {
		Result struct {
			Meta struct {
				Error    struct{ Code string }
				Approval struct{ ID string } `json:"drawbridge/approval"`
			} `json:"_meta"`
		}
		Error any
	}
	if err := json.Unmarshal([]byte(raw), &answer); err != nil || answer.Error != nil {
		c.t.Fatalf("the answer is %s (%v)", raw, err)
	}
	return answer.Result.Meta.Error.Code, answer.Result.Meta.Approval.ID, true
}

func (c clientOf) approve(id string) {
	c.t.Helper()
	if out, errs, code := command(c.t, "approvals", "approve", id, "-c", c.file); code != exitDone {
		c.t.Fatalf("approving: exit %d %s%s", code, out, errs)
	}
}

// behindDeath is what the same call comes to once the program is back.
type behindDeath struct {
	code    string // of its error, "" for none
	effects int
	same    bool // it finds the approval that it had
}

// approvalDeaths are the points, and for each what comes of a write under a key that the
// far side honours, under one that it does not, and without one: as drawn in the guard's
// stage_approve.go.
var approvalDeaths = []struct {
	point                 bridge.Point
	honoured, keyed, bare behindDeath
}{
	{bridge.Point(guard.BehindAsk), behindDeath{"approval_required", 0, true}, behindDeath{"approval_required", 0, true}, behindDeath{"approval_required", 0, true}},
	{bridge.Point(guard.BeforeClaim), behindDeath{"", 1, true}, behindDeath{"", 1, true}, behindDeath{"", 1, true}},
	{bridge.Point(guard.BehindClaim), behindDeath{"", 1, true}, behindDeath{"outcome_unknown", 0, false}, behindDeath{"approval_required", 0, false}},
	{beforeEffect, behindDeath{"", 1, true}, behindDeath{"outcome_unknown", 0, false}, behindDeath{"approval_required", 0, false}},
	{behindEffect, behindDeath{"", 1, true}, behindDeath{"outcome_unknown", 1, false}, behindDeath{"approval_required", 1, false}},
	{bridge.Point(guard.BehindCall), behindDeath{"", 1, true}, behindDeath{"outcome_unknown", 1, false}, behindDeath{"approval_required", 1, false}},
}

// TestKillBetweenDecisionAndEffectMakesOneCallOrNone kills the real process at every point
// of a call that people have agreed to, starts it again, makes the same call, and counts
// at the far side.
func TestKillBetweenDecisionAndEffectMakesOneCallOrNone(t *testing.T) {
	for _, store := range testStores() {
		for _, death := range approvalDeaths {
			for name, want := range map[string]behindDeath{"honoured": death.honoured, "keyed": death.keyed, "without a key": death.bare} {
				t.Run(fmt.Sprintf("%s/%s/%s", store.name, death.point, name), func(t *testing.T) {
					t.Parallel()
					far := newFarSide(t)
					file := filepath.Join(t.TempDir(), "drawbridge.yaml")
					text := fmt.Sprintf("store: {url: %q}\nserver: {listen: 127.0.0.1:0}\nlog: {format: json}\n%s", store.fresh(t), far.settings())
					if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
					c := clientOf{t: t, file: file, tool: "put"}
					if name == "honoured" {
						c.tool = "put_once"
					}
					if name != "without a key" {
						c.key = "k1"
					}
					had := c.dies(far, death.point)
					c.server = serve(t, file, askVariable+"=1")
					awaitMount(t, c.server, "far")
					code, approval, _ := c.call()
					all, _, _ := far.took()
					if code != want.code || all != want.effects || want.same && approval != had {
						t.Errorf("the same call came to %q and %d effects under approval %s (before: %s), want %+v", code, all, approval, had, want)
					}
					c.goesOn(far, approval, code, want.effects)
					c.server.stop(t)
				})
			}
		}
	}
}

// dies has the call approved, if it comes to that, and the program killed at a point. It
// gives the approval's id.
func (c *clientOf) dies(far *farSide, point bridge.Point) (approval string) {
	c.t.Helper()
	server := serve(c.t, c.file, askVariable+"=1", dieVariable+"="+string(point))
	c.server = server
	awaitMount(c.t, c.server, "far")
	kill := func(at bridge.Point) bool {
		if at == point {
			_ = server.cmd.Process.Kill()
			server.logs.Wait() // until it is dead
		}
		return at == point
	}
	far.around(func() bool { return !kill(beforeEffect) }, func() bool { return !kill(behindEffect) })
	_, approval, answered := c.call()
	if answered {
		c.approve(approval)
		if _, _, answered = c.call(); answered {
			c.t.Fatalf("the program did not die %s", point)
		}
	}
	c.server.logs.Wait()
	_ = c.server.cmd.Wait() // it reports the kill
	far.around(nil, nil)
	if approval == "" {
		out, _, _ := command(c.t, "approvals", "list", "--json", "-c", c.file)
		var all []struct{ ID string }
		if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 {
			c.t.Fatalf("the approvals are %s (%v)", out, err)
		}
		approval = all[0].ID
	}
	return approval
}

// goesOn has people agree once more where they are asked, and checks that each decision
// was good for one effect at most.
func (c *clientOf) goesOn(far *farSide, approval, code string, had int) {
	c.t.Helper()
	if code != "approval_required" {
		again, _, _ := c.call()
		if all, _, _ := far.took(); c.key != "" && (again != code || all != had) {
			c.t.Errorf("made once more it came to %q and %d effects, want %q and %d", again, all, code, had)
		}
		return
	}
	c.approve(approval)
	again, _, _ := c.call()
	if all, _, _ := far.took(); again != "" || all != had+1 {
		c.t.Errorf("agreed to, it came to %q and %d effects, want one more than %d", again, all, had)
	}
	if out, _, _ := command(c.t, "approvals", "show", approval, "-c", c.file); !strings.Contains(out, "used") || !strings.Contains(out, "approved it (command)") {
		c.t.Errorf("the approval is\n%s", out)
	}
}
