package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"drawbridge/bridge"
	"drawbridge/server/approvalapi"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
)

// parkingPoints are those on a run's way into waiting for an approval, in their order.
var parkingPoints = []bridge.Point{bridge.AfterIntent, bridge.Point(guard.BehindAsk), bridge.AfterCall, dispatch.BeforeWait, dispatch.AfterWait}

// wakingPoints are those around the decision, and on the way of a run that goes on with
// it, up to where an approved call is about to be made.
var wakingPoints = []bridge.Point{bridge.Point(approvalapi.BeforeDecision), bridge.Point(approvalapi.BehindDecision),
	dispatch.AfterClaim, bridge.BeforeIntent, bridge.AfterIntent, bridge.Point(guard.BehindAsk)}

// endingPoints are those behind a call that was made, or refused.
var endingPoints = []bridge.Point{bridge.AfterCall, bridge.BeforeResult, bridge.AfterResult}

// parkingDeath is a point, on the way into waiting or behind it, and how the run stands
// once it was carried on.
type parkingDeath struct {
	point   bridge.Point
	parking bool
	ended
}

// deathsAround are those on the way into waiting and from there, but for the call itself.
func deathsAround(want ended) (deaths []parkingDeath) {
	for _, point := range parkingPoints {
		deaths = append(deaths, parkingDeath{point, true, want})
	}
	for _, point := range slices.Concat(wakingPoints, endingPoints) {
		deaths = append(deaths, parkingDeath{point, false, want})
	}
	return deaths
}

// deathsOfCalls are those of an approved call, of a tool that honours keys and of one that
// does not.
var deathsOfCalls = map[string][]parkingDeath{
	"put_once": {{bridge.Point(guard.BeforeClaim), false, ended{1, 1, false}}, {bridge.Point(guard.BehindClaim), false, ended{1, 1, false}},
		{beforeEffect, false, ended{2, 1, false}}, {behindEffect, false, ended{2, 1, false}}, {bridge.Point(guard.BehindCall), false, ended{2, 1, false}}},
	"put": {{bridge.Point(guard.BeforeClaim), false, ended{1, 1, false}}, {bridge.Point(guard.BehindClaim), false, ended{0, 0, true}},
		{beforeEffect, false, ended{1, 0, true}}, {behindEffect, false, ended{1, 1, true}}, {bridge.Point(guard.BehindCall), false, ended{1, 1, true}}},
}

// parkingPlays are what is decided about a call of which tool, and the points.
var parkingPlays = []struct {
	name, tool string
	approve    bool
	deaths     []parkingDeath
}{
	{"approved", "put_once", true, slices.Concat(deathsAround(ended{1, 1, false}), deathsOfCalls["put_once"])},
	{"approved, of a tool without keys", "put", true, deathsOfCalls["put"]},
	{"denied", "put", false, deathsAround(ended{})},
}

// TestKillAroundAnApprovalMakesTheCallOnceOrNever kills the real process with SIGKILL at
// every point of a run that waits for an approval: on its way into waiting, around the
// decision, and on its way from there. Another process is started behind it: on SQLite it
// is the next owner of the file, on PostgreSQL another node. What counts is the far side:
// one effect behind a yes, none behind a no, none before either.
func TestKillAroundAnApprovalMakesTheCallOnceOrNever(t *testing.T) {
	for _, store := range testStores() {
		for _, play := range parkingPlays {
			for _, death := range play.deaths {
				t.Run(fmt.Sprintf("%s/%s/%s/%s", store.name, play.name, death.way(), death.point), func(t *testing.T) {
					t.Parallel()
					newParking(t, store, play.tool, play.approve, 1).dies(death)
				})
			}
		}
	}
}

// TestNodeCarriesOnWhatAKilledOneHadAroundAnApproval: the same with two nodes that serve
// all the time, of which one is killed. Which of them, is whoever comes to the point.
func TestNodeCarriesOnWhatAKilledOneHadAroundAnApproval(t *testing.T) {
	t.Parallel()
	for _, store := range testStores() {
		if store.name == "sqlite" {
			continue // it has one owner
		}
		for _, play := range parkingPlays {
			for _, death := range play.deaths {
				switch death.point {
				case dispatch.BeforeWait, bridge.Point(approvalapi.BehindDecision), dispatch.AfterClaim, bridge.Point(guard.BehindClaim):
					t.Run(play.name+"/"+string(death.point), func(t *testing.T) {
						t.Parallel()
						newParking(t, store, play.tool, play.approve, 2).dies(death)
					})
				}
			}
		}
	}
}

func (d parkingDeath) way() string {
	if d.parking {
		return "into waiting"
	}
	return "from there"
}

// dies plays a death, and all that comes behind it.
func (p *parking) dies(death parkingDeath) {
	p.t.Helper()
	p.begin(death.point)
	if death.parking {
		p.arm()
		p.start()
		p.died()
		p.decide()
	} else {
		p.start()
		p.awaitParked()
		p.arm()
		p.decide()
		p.died()
	}
	p.ends(death.ended)
}

// TestDecisionWhileNobodyServesIsFoundAtTheNextStart: all processes are killed while a run
// waits, somebody decides at the command line, and the next process carries it on.
func TestDecisionWhileNobodyServesIsFoundAtTheNextStart(t *testing.T) {
	for _, store := range testStores() {
		for name, approve := range map[string]bool{"approved": true, "denied": false} {
			t.Run(store.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				p := newParking(t, store, "put", approve, 1)
				p.begin("")
				p.start()
				p.awaitParked()
				for _, node := range p.nodes {
					node.kill(t)
				}
				p.nodes = nil
				verb := []string{"approvals", "deny", p.approval().ID, "--note", parkingNote, "-c", p.files[0]}
				want := ended{}
				if approve {
					verb, want = []string{"approvals", "approve", p.approval().ID, "-c", p.files[0]}, ended{calls: 1, effects: 1}
				}
				if out, errs, code := command(t, verb...); code != exitDone {
					t.Fatalf("deciding: exit %d %s%s", code, out, errs)
				}
				if all, _, calls := p.far.took(); all != 0 || calls != 0 {
					t.Errorf("with nobody serving there are %d effects of %d calls", all, calls)
				}
				p.again()
				p.ends(want)
			})
		}
	}
}

// TestKilledTwiceAroundAnApproval: a run dies on its way into waiting, and again on its
// way from there, at another process.
func TestKilledTwiceAroundAnApproval(t *testing.T) {
	for _, store := range testStores() {
		t.Run(store.name, func(t *testing.T) {
			t.Parallel()
			p := newParking(t, store, "put_once", true, 1)
			p.begin(dispatch.AfterWait)
			p.arm()
			p.start()
			p.died()
			p.nodes[0].kill(t) // that one would live
			p.nodes = nil
			p.begin(bridge.Point(guard.BehindClaim))
			p.awaitParked()
			p.arm()
			p.decide()
			p.died()
			p.ends(ended{calls: 1, effects: 1})
			if out, _, _ := command(t, "runs", "show", p.run, "-c", p.files[0]); strings.Count(out, p.approval().ID) == 0 {
				t.Errorf("the timeline does not name the approval:\n%s", out)
			}
		})
	}
}
