package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/tools/crm"
	"drawbridge/tools/email"
)

// mailTaken is when the mail server has taken a mail, and the program was not told yet.
const mailTaken bridge.Point = "the server has taken it"

// nightDeaths are the points at which the program dies over the second of three mails:
// whether the mail is with the mail server then, and whether anybody but the server knows.
// SMTP has no keys, so where the program does not know it asks, and writes to nobody twice.
var nightDeaths = []struct {
	point       bridge.Point
	taken, asks bool
}{
	{bridge.AfterIntent, false, false},
	{bridge.Point(guard.BeforeClaim), false, false},
	{bridge.Point(guard.BehindClaim), false, true},
	{mailTaken, true, true},
	{bridge.Point(guard.BehindCall), true, true},
	{bridge.AfterCall, true, false},
	{bridge.AfterResult, true, false},
}

// TestNightlyMailsGoToEachCustomerOnceOverARestart is a night from its beginning by the
// clock: the program is killed in the middle, at every point of a mail, and started again.
func TestNightlyMailsGoToEachCustomerOnceOverARestart(t *testing.T) {
	for _, store := range testStores() {
		for _, death := range nightDeaths {
			if store.name != "sqlite" && death.point != mailTaken && death.point != bridge.AfterCall {
				continue // what the two stores keep of a call is held to be the same at every point by TestRUN04
			}
			t.Run(fmt.Sprintf("%s/%s", store.name, death.point), func(t *testing.T) {
				t.Parallel()
				n := newNight(t, store)
				n.diesOverTheSecondMail(death.point, death.taken)
				mails := 1
				if death.taken {
					mails = 2
				}
				if got := n.mail.Taken(); got != mails {
					t.Fatalf("the mail server has %d mails when the program dies, want %d:\n%s", got, mails, n.mail.Log())
				}
				n.server = serve(t, n.file)
				if run := n.stands(); run.Undecided() != death.asks {
					t.Fatalf("the run is %s %s: %s", run.State, run.Reason, run.Answer)
				}
				if death.asks {
					if got := n.mail.Taken(); got != mails {
						t.Errorf("while somebody is asked there are %d mails, want %d", got, mails)
					}
					n.decides(death.taken)
				}
				n.ends("3 customers were told.")
			})
		}
	}
}

// TestNightlyMailsGoOnBehindAKillBetweenTwo: the model is asked what comes behind the
// first mail, and the program dies. Nobody has to be asked.
func TestNightlyMailsGoOnBehindAKillBetweenTwo(t *testing.T) {
	for _, store := range testStores() {
		t.Run(store.name, func(t *testing.T) {
			t.Parallel()
			n := newNight(t, store)
			asked := newPause()
			n.behindMail(func(sent int) {
				if sent == 1 {
					asked.comes(t)
				}
			})
			n.falls()
			asked.await(t)
			n.server.kill(t)
			asked.passes()
			n.server = serve(t, n.file)
			n.ends("3 customers were told.")
		})
	}
}

// TestNextNightWritesToNobodyWhoWasTold: what the agent noted in the CRM is what it finds
// there.
func TestNextNightWritesToNobodyWhoWasTold(t *testing.T) {
	t.Parallel()
	n := newNight(t, testStores()[0])
	n.falls()
	if run := n.stands(); run.State != dispatch.Succeeded {
		t.Fatalf("the run is %s %s: %s", run.State, run.Reason, run.Answer)
	}
	out, errs, code := command(t, "schedules", "run", "nightly", "-c", n.file)
	if _, behind, said := strings.Cut(out, "runs as "); code == exitDone && said {
		n.run, _, _ = strings.Cut(behind, ";")
	} else {
		t.Fatalf("exit %d, %s%s", code, out, errs)
	}
	n.ends("0 customers were told.")
}

// TestNightlyMailsWaitForSomebodysWordWithoutARule: what customers wrote in the CRM may
// not by itself have mails written.
func TestNightlyMailsWaitForSomebodysWordWithoutARule(t *testing.T) {
	t.Parallel()
	n := newNight(t, testStores()[0])
	text, err := os.ReadFile(n.file)
	if err == nil {
		head, _, _ := strings.Cut(string(text), "policy:")
		err = os.WriteFile(n.file, []byte(head), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	n.falls()
	eventually(t, "the run to wait for an approval", storyPatience, func() bool {
		run, err := n.kept.Run(t.Context(), n.run)
		if err != nil || run.State.Ended() {
			t.Fatalf("the run is %s %s: %s (%v)", run.State, run.Reason, run.Answer, err)
		}
		return run.AwaitsApproval()
	})
	out, errs, code := command(t, "approvals", "list", "-c", n.file)
	if code != exitDone || !strings.Contains(out, email.ToolSend) || n.mail.Taken() != 0 {
		t.Errorf("%d mails were taken; the approvals: exit %d %s%s", n.mail.Taken(), code, out, errs)
	}
	n.server.stop(t)
}

// diesOverTheSecondMail has a night begin, and the program die. Whoever comes to the point
// dies once there is a token: it is there from when the model asks for the mail, and of
// what comes behind the mail, from when the server has it.
func (n *night) diesOverTheSecondMail(point bridge.Point, taken bool) {
	n.t.Helper()
	arm := func() {
		if err := os.WriteFile(n.token, nil, 0o600); err != nil {
			n.t.Error(err)
		}
	}
	told := newPause()
	if taken {
		n.gate.watch(func() bool {
			if n.mail.Taken() < 2 {
				return true
			}
			if point != mailTaken {
				n.gate.watch(nil)
				arm()
				return true
			}
			told.comes(n.t)
			return false
		})
	} else {
		n.beforeMail(func(address string) {
			if address == late[1].address {
				n.beforeMail(nil)
				arm()
			}
		})
	}
	n.falls(tokenVariable+"="+n.token, dieVariable+"="+string(point))
	if point == mailTaken {
		told.await(n.t)
		n.server.kill(n.t)
		n.gate.watch(nil)
		told.passes()
		return
	}
	n.server.died(n.t)
}

// decides has the operator look at the mail server, and say what is there.
func (n *night) decides(taken bool) {
	n.t.Helper()
	doubt := n.undecided()
	if doubt.Run != n.run || doubt.Tool != email.ToolSend || !strings.Contains(string(doubt.Arguments), late[1].address) || doubt.Why == "" {
		n.t.Errorf("the operator is shown %+v", doubt)
	}
	_, id, named := strings.Cut(doubt.LookFor, " begins with <")
	if there := strings.Contains(n.mail.Log(), " id="+id+"@"); !named || there != taken {
		n.t.Errorf("to be looked for is %q, which the mail server has: %t\n%s", doubt.LookFor, there, n.mail.Log())
	}
	if out, _, _ := command(n.t, "runs", "show", n.run, "-c", n.file); !strings.Contains(out, doubt.LookFor) {
		n.t.Errorf("the timeline does not say what to look for:\n%s", out)
	}
	said := "--did-not-happen"
	if taken {
		said = "--happened"
	}
	if out, errs, code := command(n.t, "runs", "resolve", n.run, "-c", n.file, said); code != exitDone {
		n.t.Fatalf("deciding: exit %d %s%s", code, out, errs)
	}
}

// ends waits for the run's end, and looks at what customers got and what the CRM says.
func (n *night) ends(answer string) {
	n.t.Helper()
	run := n.stands()
	if run.State != dispatch.Succeeded || run.Answer != answer {
		n.t.Errorf("the run is %s %s: %s", run.State, run.Reason, run.Answer)
	}
	checkJournal(n.t, n.kept, n.run)
	n.server.stop(n.t)
	n.mailed()
	ticks, err := n.kept.Ticks(n.t.Context(), "nightly", 10_000)
	if err != nil {
		n.t.Fatal(err)
	}
	runs := map[string]bool{}
	for _, tick := range ticks {
		if tick.Run != "" {
			runs[tick.Run] = true
		}
	}
	if all, err := n.kept.Runs(n.t.Context(), "", 100); err != nil || len(all) != len(runs) {
		n.t.Errorf("%d runs of %d times (%v)", len(all), len(runs), err)
	}
	var noted int
	if err := n.kept.Read().QueryRowContext(n.t.Context(), `SELECT COUNT(*) FROM crm_interactions WHERE summary LIKE 'Told that %'`).Scan(&noted); err != nil || noted != len(late) {
		n.t.Errorf("%s noted %d times that a customer was told, want %d (%v)", crm.LogInteractionTool, noted, len(late), err)
	}
}
