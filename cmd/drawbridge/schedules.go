package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// scheduleView is a schedule as the commands print it.
type scheduleView struct {
	Name   string `json:"name"`
	Origin string `json:"origin"` // config or agent
	// State is active, paused, done, cancelled, not configured (the settings do not name
	// it), or not planned (the settings do, and no process has served with them).
	State    string     `json:"state"`
	Times    string     `json:"times"`
	Agent    string     `json:"agent"`
	Next     *time.Time `json:"next,omitempty"`
	LastTick *time.Time `json:"last_tick,omitempty"`
	LastRun  string     `json:"last_run,omitempty"`
	// RunState is that of the last run.
	RunState dispatch.State `json:"last_run_state,omitempty"`
	Last     string         `json:"last_outcome,omitempty"`
	Note     string         `json:"last_note,omitempty"`
	// These are an agent's own follow-up's.
	Owner   string     `json:"owner,omitempty"`
	By      string     `json:"scheduled_by,omitempty"` // the run
	Depth   int        `json:"depth,omitempty"`
	Tainted bool       `json:"tainted,omitempty"`
	Created *time.Time `json:"created_at,omitempty"`

	Prompt string     `json:"prompt,omitempty"`
	Ticks  []tickView `json:"ticks,omitempty"`
}

// tickView is a dealt-with time of a schedule as the commands print it.
type tickView struct {
	At       time.Time            `json:"at"`
	Outcome  dispatch.TickOutcome `json:"outcome"`
	Manual   bool                 `json:"manual,omitempty"`
	Run      string               `json:"run,omitempty"`
	RunState dispatch.State       `json:"run_state,omitempty"`
	Note     string               `json:"note,omitempty"`
}

func viewTick(t dispatch.Tick) tickView {
	return tickView{At: t.At, Outcome: t.Outcome, Manual: t.Manual, Run: t.Run, RunState: t.State, Note: t.Note}
}

func viewSchedule(s dispatch.StoredSchedule, ticks []dispatch.Tick) scheduleView {
	v := scheduleView{Name: s.Name, Origin: "config", State: scheduleState(s), Times: s.Spec, Agent: s.Agent, Next: some(s.Next), LastTick: some(s.LastTick)}
	if s.Dormant() && s.FollowUp == nil {
		v.Next = nil // it is planned anew when it counts again
	}
	if f := s.FollowUp; f != nil {
		v.Origin, v.Owner, v.By, v.Depth, v.Tainted, v.Created = "agent", f.Owner, f.Run, f.Depth, f.Tainted, some(f.Created)
	}
	for _, t := range ticks {
		if v.Last == "" {
			v.Last, v.Note = string(t.Outcome), t.Note
		}
		if t.Run != "" {
			v.LastRun, v.RunState = t.Run, t.State
			break
		}
	}
	return v
}

func scheduleState(s dispatch.StoredSchedule) string {
	switch {
	case s.Ended != "":
		return s.Ended
	case !s.Listed:
		return "not configured"
	case s.PausedBySettings:
		return "paused by the settings"
	case s.Paused:
		return "paused"
	case s.Next.IsZero():
		return "done"
	}
	return "active"
}

func schedulesCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedules",
		Short: "Look at schedules and agents' follow-ups, pause them, run them now",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(schedulesList(c), schedulesShow(c), schedulesPause(c), schedulesResume(c), schedulesRun(c), schedulesDelete(c))
	return cmd
}

func schedulesList(c *console) *cobra.Command {
	var asJSON, ended bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List schedules with their next and last times",
		Long: `Lists the schedules of the settings and the follow-ups that agents made, with the next time of
each, the last one, and the run that it became. Times are in UTC.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			views, err := c.scheduleViews(cmd, ended)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.out, views)
			}
			rows := [][]string{}
			for _, v := range views {
				rows = append(rows, []string{v.Name, v.Origin, v.State, v.Agent, oneLine(v.Times, 40), whenSome(v.Next), whenSome(v.LastTick), v.LastRun, string(v.RunState)})
			}
			return table(c.out, "no schedules", []string{"SCHEDULE", "ORIGIN", "STATE", "AGENT", "TIMES", "NEXT", "LAST", "RUN", "RUN STATE"}, rows)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	cmd.Flags().BoolVar(&ended, "ended", false, "follow-ups that have run or were cancelled as well")
	return cmd
}

func whenSome(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return when(*t)
}

// scheduleViews are the schedules that the store has, and those that it was not told of
// yet.
func (c *console) scheduleViews(cmd *cobra.Command, ended bool) ([]scheduleView, error) {
	cfg, schedules, err := c.schedules(cmd)
	if err != nil {
		return nil, err
	}
	views := []scheduleView{}
	store, err := openStoreOf(cmd.Context(), cfg, state.ReadOnly)
	if err == nil {
		views, err = storedViews(cmd, store, ended)
		err = errors.Join(err, store.Close())
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(schedules)) {
		if !slices.ContainsFunc(views, func(v scheduleView) bool { return v.Name == name }) {
			views = append(views, viewUnplanned(schedules[name]))
		}
	}
	return views, nil
}

func storedViews(cmd *cobra.Command, store *state.Store, ended bool) ([]scheduleView, error) {
	all, err := store.Schedules(cmd.Context())
	if err != nil {
		return nil, err
	}
	views := []scheduleView{}
	for _, s := range all {
		if s.Ended != "" && !ended {
			continue
		}
		// The last few: those that were left out have no run to show.
		ticks, err := store.Ticks(cmd.Context(), s.Name, 20)
		if err != nil {
			return nil, err
		}
		views = append(views, viewSchedule(s, ticks))
	}
	return views, nil
}

func viewUnplanned(s *dispatch.Schedule) scheduleView {
	return scheduleView{Name: s.Name, Origin: "config", State: "not planned", Times: s.Spec(), Agent: s.Agent, Prompt: s.Prompt}
}

// schedules are those of the settings, compiled.
func (c *console) schedules(cmd *cobra.Command) (*config.Config, map[string]*dispatch.Schedule, error) {
	cfg, err := c.settings(cmd)
	if err != nil {
		return nil, nil, err
	}
	all, problems := schedulesOf(cfg)
	if len(problems) > 0 {
		return nil, nil, problems
	}
	return cfg, all, nil
}

func schedulesShow(c *console) *cobra.Command {
	var list listing
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show one schedule, and what became of its times",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withSchedule(cmd, state.ReadOnly, args[0], func(store *state.Store, s dispatch.StoredSchedule, _ *dispatch.Schedule) error {
				ticks, err := store.Ticks(cmd.Context(), s.Name, max(list.limit, 20))
				if err != nil {
					return err
				}
				view := viewSchedule(s, ticks)
				view.Prompt = s.Prompt
				for _, t := range ticks[:min(len(ticks), list.limit)] {
					view.Ticks = append(view.Ticks, viewTick(t))
				}
				if list.asJSON {
					return printJSON(c.out, view)
				}
				return printSchedule(c, view)
			})
		},
	}
	list.flags(cmd)
	cmd.Flags().Lookup("json").Usage = "print JSON"
	cmd.Flags().Lookup("limit").Usage = "how many times to show at most"
	return cmd
}

func printSchedule(c *console, v scheduleView) error {
	out := &lines{w: c.out}
	out.printf("schedule  %s\norigin    %s\nstate     %s\ntimes     %s\nagent     %s", v.Name, v.Origin, v.State, v.Times, v.Agent)
	if v.By != "" {
		out.printf("by        run %s, number %d of its chain", v.By, v.Depth)
	}
	if v.Owner != "" {
		out.printf("owner     %s", v.Owner)
	}
	if v.Tainted {
		out.printf("tainted   the run had read text from outside")
	}
	out.printf("next      %s\nlast      %s", whenSome(v.Next), whenSome(v.LastTick))
	for _, t := range v.Ticks {
		line := fmt.Sprintf("          %s  %s", when(t.At), t.Outcome)
		if t.Run != "" {
			line += fmt.Sprintf("  %s %s", t.Run, t.RunState)
		}
		if t.Note != "" {
			line += "  (" + oneLine(t.Note, 200) + ")"
		}
		out.printf("%s", line)
	}
	out.printf("\n%s", printable(strings.TrimSpace(v.Prompt)))
	return out.err
}
