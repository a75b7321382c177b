package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func scripted(s script, seed uint64) []fault { return s.faults(rand.New(rand.NewPCG(seed, seed))) }

func TestFaultsFollowFromTheSeedAndFit(t *testing.T) {
	for _, s := range []script{
		{nodes: 1, lasts: 96 * time.Second, longest: 15 * time.Second},
		{nodes: 3, postgres: true, lasts: 96 * time.Second, longest: 15 * time.Second},
		{nodes: 3, postgres: true, lasts: 29 * time.Minute, longest: time.Minute},
	} {
		for seed := range uint64(50) {
			plan := scripted(s, seed)
			if fmt.Sprint(plan) != fmt.Sprint(scripted(s, seed)) {
				t.Fatalf("the seed %d has two plans", seed)
			}
			did, froze := map[string]int{}, time.Duration(0)
			at := time.Duration(0)
			for _, f := range plan {
				did[f.What]++
				if at += f.After; f.What == freezing {
					froze = max(froze, f.Lasts)
				}
				if f.Lasts > max(s.longest, 20*time.Second) || f.Node >= s.nodes {
					t.Errorf("seed %d: %v", seed, f)
				}
			}
			if at > s.lasts || froze != s.longest || did[kill] < 4 || did[deploy] < 1 || s.postgres && did[pgKill]+did[pgStop] < 2 {
				t.Errorf("seed %d on %+v does %v, the longest stop is %s, until %s", seed, s, did, froze, at)
			}
		}
	}
}

func TestShortFormHasAStopThatIsLongerThanALease(t *testing.T) {
	for lasts, want := range map[time.Duration]time.Duration{2 * time.Minute: 15 * time.Second, 30 * time.Minute: time.Minute} {
		w := &world{options: options{lasts: lasts}}
		if w.longestStop() != want || w.loadFor()+w.longestStop() > lasts+lasts/8 || w.loadFor() < lasts/2 {
			t.Errorf("in %s there is load for %s, and a node is stopped for %s; want %s", lasts, w.loadFor(), w.longestStop(), want)
		}
	}
}

func TestNemesisSparesTheLastNodeStanding(t *testing.T) {
	m := &nemesis{nodes: []*node{{name: "n1"}, {name: "n2"}, {name: "n3"}}, away: map[*node]bool{}, say: func(string, ...any) {}}
	first, second := m.steady(1), m.steady(1)
	if first == nil || second == nil || first == second || first.name != "n2" || second.name != "n3" {
		t.Errorf("%v and %v are struck", first, second)
	}
	if third := m.steady(0); third != nil {
		t.Errorf("%s is struck, and no other is there", third.name)
	}
	m.back(first)
	if again := m.steady(0); again == nil || again.name != "n1" {
		t.Errorf("%v is struck", again)
	}
	alone := &nemesis{nodes: []*node{{name: "n1"}}, away: map[*node]bool{}}
	if alone.steady(0) == nil {
		t.Error("the only node is never struck")
	}
}

func TestNemesisKeepsWhatItCouldNotDo(t *testing.T) {
	var said strings.Builder
	m := &nemesis{say: func(format string, args ...any) { _, _ = fmt.Fprintf(&said, format, args...) }, database: gone{}, book: newBook()}
	m.do(t.Context(), t.Context(), fault{What: pgStop})
	if len(m.broken) != 2 || !strings.Contains(said.String(), "no database") {
		t.Errorf("%v, %q", m.broken, said.String())
	}
	if len(m.strikes) != 1 || m.strikes[0].Until.IsZero() {
		t.Errorf("%+v", m.strikes)
	}
}

// gone is a database that cannot even be stopped.
type gone struct{}

func (gone) kill() error      { return errors.New("no database") }
func (gone) stop() error      { return errors.New("no database") }
func (gone) start() error     { return errors.New("no database") }
func (gone) close()           {}
func (gone) log(string) error { return nil }

func TestTakeoverIsUntilTheNextEntry(t *testing.T) {
	for name, c := range map[string]struct {
		strikes []*strike
		want    string
	}{
		"killed in the middle":  {[]*strike{{What: kill, Node: "n1", At: at(3), From: at(3), Until: at(9)}}, "kill n1 1s"},
		"with nobody there":     {[]*strike{{What: kill, Node: "n1", At: at(2), From: at(3).Add(-300 * time.Millisecond)}}, "kill n1 300ms"},
		"after it had ended":    {[]*strike{{What: kill, Node: "n1", At: at(8), From: at(8)}}, ""},
		"before it had begun":   {[]*strike{{What: kill, Node: "n1", At: at(1), From: at(1)}}, ""},
		"with PostgreSQL away":  {[]*strike{{What: kill, Node: "n1", At: at(3), From: at(3)}, {What: pgKill, At: at(2), From: at(2), Until: at(4)}}, "kill n1 1s away"},
		"with PostgreSQL back":  {[]*strike{{What: kill, Node: "n1", At: at(3), From: at(3)}, {What: pgKill, At: at(1), From: at(1), Until: at(2)}}, "kill n1 1s"},
		"and all others, too":   {[]*strike{{What: kill, Node: "n1", At: at(3), From: at(3)}, {What: kill, Node: "n2", At: at(3).Add(time.Millisecond), Until: at(9), Last: true}}, "kill n1 1s away"},
		"and another one":       {[]*strike{{What: kill, Node: "n1", At: at(3), From: at(3)}, {What: kill, Node: "n2", At: at(3).Add(time.Millisecond), Until: at(9)}}, "kill n1 1s"},
		"and whoever took over": {[]*strike{{What: kill, Node: "n1", At: at(3), From: at(3)}, {What: kill, Node: "n2", At: at(3).Add(time.Millisecond), From: at(4), Carried: []string{"ev_a_000001"}}}, "kill n1 1s away, kill n2 0s"},
		"stopped":               {[]*strike{{What: freezing, Node: "n1", At: at(3), From: at(3)}}, "freeze n1 1s"},
	} {
		e := whole(t)
		e.Strikes = c.strikes
		e.Strikes[0].Carried = []string{"ev_a_000001", "ev_a_000009"}
		var got []string
		for _, x := range takeovers(e) {
			text := fmt.Sprint(x.What, " ", x.Node, " ", x.Took)
			if x.Outage {
				text += " away"
			}
			got = append(got, text)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		found := slow(takeovers(e), 250*time.Millisecond)
		if judged := c.want != "" && !strings.Contains(c.want, "away"); judged != (len(found) == 1 && found[0].Class == late) {
			t.Errorf("%s: found %+v", name, found)
		}
		if found := slow(takeovers(e), time.Second); len(found) > 0 {
			t.Errorf("%s: within bounds, and found %+v", name, found)
		}
	}
}
