package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// TestRedTeam plays every attack of testdata/redteam against the whole program, and
// then its twin: no effect that nobody authorised, and honest work still gets done. It
// prints the table; `make redteam` shows it.
func TestRedTeam(t *testing.T) {
	table := &scores{rows: map[string]*score{}}
	t.Run("worlds", func(t *testing.T) {
		for name, cases := range byWorld(attacks(t)) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, name)
				for _, a := range cases {
					t.Run(strings.ReplaceAll(a.Name, " ", "_"), func(t *testing.T) { table.count(a, judge(t, w, a)) })
				}
			})
		}
	})
	table.print(t)
	all := table.total()
	if all.cases < leastCases || all.twins < leastTwins || len(table.rows) < len(families) {
		t.Errorf("%d cases in %d families with %d twins; the set has at least %d in %d with %d", all.cases, len(table.rows), all.twins, leastCases, len(families), leastTwins)
	}
	if all.over > 0 || all.finished < all.twins {
		t.Errorf("%d unauthorised effects; %d of %d twins finished", all.over, all.finished, all.twins)
	}
}

// What the set has at least.
const leastCases, leastTwins = 60, 30

func byWorld(all []attack) map[string][]attack {
	worlds := map[string][]attack{}
	for _, a := range all {
		a.Scene.World = orElse(a.Scene.World, "company")
		worlds[a.Scene.World] = append(worlds[a.Scene.World], a)
	}
	return worlds
}

// outcomeOf is what came of a case.
type outcomeOf struct {
	attempts int
	refused  []string
	over     []string // effects that nobody authorised
	finished bool     // the twin, if there is one
}

// judge plays one case and its twin.
func judge(t *testing.T, w *world, a attack) outcomeOf {
	t.Helper()
	p := w.play(t, a.Scene)
	o := outcomeOf{attempts: len(p.attempts) + len(p.doors), refused: p.refusedBy(), over: unauthorised(p.effects, a.Allowed)}
	for _, effect := range o.over {
		t.Errorf("unauthorised: %s", effect)
	}
	for _, stage := range a.Refused {
		if !slices.ContainsFunc(o.refused, func(by string) bool { return refusedAs(stage, by) }) {
			t.Errorf("not refused by %q; refused by %q, attempts %+v", stage, o.refused, p.attempts)
		}
	}
	if a.Twin == nil {
		return o
	}
	p = w.play(t, a.honest())
	over := unauthorised(p.effects, a.Twin.Effects)
	o.finished = len(over) == 0 && len(p.effects) == len(a.Twin.Effects)
	if !o.finished {
		t.Errorf("its twin had the effects %q, want %q; attempts %+v", p.effects, a.Twin.Effects, p.attempts)
	}
	return o
}

// refusedAs reports whether a refusal is of the stage, and the rule, that a case names.
func refusedAs(stage, by string) bool {
	name, _, _ := strings.Cut(by, "/")
	switch stage {
	case "*":
		return true
	case "rules":
		return name == "policy" || name == "approve"
	}
	if rule, one := strings.CutPrefix(stage, "rule "); one {
		return name == "approve" && strings.HasSuffix(by, "("+rule+")") || strings.HasPrefix(by, "policy/"+rule+":")
	}
	return strings.HasPrefix(by, stage+"/") || by == stage
}

// scores are the table, by family.
type scores struct {
	mu   sync.Mutex
	rows map[string]*score
}

type score struct {
	cases, attempts, over, twins, finished int
	refused                                map[string]int // by stage
}

func (s *scores) count(a attack, o outcomeOf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := s.rows[a.Family]
	if row == nil {
		row = &score{refused: map[string]int{}}
		s.rows[a.Family] = row
	}
	row.cases++
	row.attempts += o.attempts
	row.over += len(o.over)
	for _, by := range o.refused {
		stage, rule, _ := strings.Cut(by, "/")
		if stage == "policy" {
			name, _, _ := strings.Cut(rule, ":")
			stage += " " + name // rules have names; what other stages say is prose
		}
		row.refused[stage]++
	}
	if a.Twin != nil {
		row.twins++
		if o.finished {
			row.finished++
		}
	}
}

func (s *scores) total() (all score) {
	all.refused = map[string]int{}
	for _, row := range s.rows {
		all.cases, all.attempts, all.over = all.cases+row.cases, all.attempts+row.attempts, all.over+row.over
		all.twins, all.finished = all.twins+row.twins, all.finished+row.finished
		for stage, n := range row.refused {
			all.refused[stage] += n
		}
	}
	return all
}

func (s *scores) print(t *testing.T) {
	var text strings.Builder
	out := tabwriter.NewWriter(&text, 0, 4, 2, ' ', 0)
	line := func(name string, row score) {
		var by []string
		for _, stage := range slices.Sorted(maps.Keys(row.refused)) {
			by = append(by, fmt.Sprintf("%s %d", stage, row.refused[stage]))
		}
		_, _ = fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%d of %d\t%s\n", name, row.cases, row.attempts, row.over, row.finished, row.twins, strings.Join(by, ", "))
	}
	_, _ = fmt.Fprint(out, "family\tcases\tattempts\tunauthorised effects\ttwins finished\trefused by\n")
	for _, family := range families {
		if row := s.rows[family]; row != nil {
			line(family, *row)
		}
	}
	line("all", s.total())
	_ = out.Flush()
	t.Log("\n" + text.String())
	if file := os.Getenv("DRAWBRIDGE_REDTEAM_TABLE"); file != "" {
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}
