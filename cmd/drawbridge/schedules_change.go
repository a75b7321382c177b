package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// withSchedule opens the store for one schedule; configured is it as the settings have
// it, nil if they do not.
func (c *console) withSchedule(cmd *cobra.Command, mode state.Mode, name string, do func(store *state.Store, s dispatch.StoredSchedule, configured *dispatch.Schedule) error) error {
	cfg, schedules, err := c.schedules(cmd)
	if err != nil {
		return err
	}
	unknown := fmt.Errorf("schedule %q: %w; `drawbridge schedules list` shows which there are", name, dispatch.ErrNotFound)
	if schedules[name] != nil {
		unknown = fmt.Errorf("schedule %q is in the settings, and not planned yet: `drawbridge serve` does that", name)
	}
	store, err := openStoreOf(cmd.Context(), cfg, mode)
	if errors.Is(err, os.ErrNotExist) {
		return unknown
	}
	if err != nil {
		return err
	}
	s, err := store.Schedule(cmd.Context(), name)
	switch {
	case errors.Is(err, dispatch.ErrNotFound):
		err = unknown
	case err == nil:
		err = do(store, s, schedules[name])
	}
	if errors.Is(err, dispatch.ErrEnded) {
		err = fmt.Errorf("schedule %q is %s already", name, s.Ended)
	}
	return errors.Join(err, store.Close())
}

func schedulesPause(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "pause NAME",
		Short: "Let the times of a schedule pass",
		Long: `Lets the times of a schedule pass, until it is resumed: across restarts, and whatever becomes of
the settings. A run that is under way goes on.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withSchedule(cmd, state.Beside, args[0], func(store *state.Store, s dispatch.StoredSchedule, _ *dispatch.Schedule) error {
				if err := store.PauseSchedule(cmd.Context(), s.Name); err != nil {
					return err
				}
				_, err := fmt.Fprintf(c.out, "schedule %s is paused\n", s.Name)
				return err
			})
		},
	}
}

func schedulesResume(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "resume NAME",
		Short: "Have the times of a paused schedule count again",
		Long: `Has the times of a schedule count again, from now on: those that passed meanwhile are not made
up for. An agent's follow-up keeps its time, and runs at once if that has passed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withSchedule(cmd, state.Beside, args[0], func(store *state.Store, s dispatch.StoredSchedule, configured *dispatch.Schedule) error {
				return c.resume(cmd, store, s, configured)
			})
		},
	}
}

func (c *console) resume(cmd *cobra.Command, store *state.Store, s dispatch.StoredSchedule, configured *dispatch.Schedule) error {
	now, next := time.Now(), s.Next
	switch {
	case s.FollowUp != nil:
	case configured == nil:
		return fmt.Errorf("schedule %q is not in the settings, so nobody knows its times; put it back, or delete it", s.Name)
	case configured.Paused:
		return fmt.Errorf("schedule %q is paused by the settings: take out paused: true", s.Name)
	case !s.Paused:
		// To plan it from now would lose a time that has come and is not dealt with.
		_, err := fmt.Fprintf(c.out, "schedule %s is not paused\n", s.Name)
		return err
	default:
		next = configured.Next(now)
	}
	if err := store.ResumeSchedule(cmd.Context(), s.Name, now, next); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "schedule %s goes on; next: %s\n", s.Name, when(next))
	return err
}

func schedulesRun(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "run NAME",
		Short: "Run a schedule now, besides its times",
		Long: `Has a schedule run now. Its times stay as they are; an agent's follow-up runs now instead of at
its time. While an earlier run is not done the new one waits for it, unless the schedule's
overlap is parallel. A serving process takes it up within a second; otherwise the next one
to start does.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withSchedule(cmd, state.Beside, args[0], func(store *state.Store, s dispatch.StoredSchedule, configured *dispatch.Schedule) error {
				run, err := manualRun(s, configured)
				if err != nil {
					return err
				}
				if err := store.RunSchedule(cmd.Context(), s.Name, run); err != nil {
					return err
				}
				if asJSON {
					added, err := store.Run(cmd.Context(), run.ID)
					if err != nil {
						return err
					}
					return printJSON(c.out, viewRun(added))
				}
				_, err = fmt.Fprintf(c.out, "schedule %s runs as %s; follow it with: drawbridge runs show %s\n", s.Name, run.ID, run.ID)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the run as JSON")
	return cmd
}

// manualRun is the run of a schedule at this time.
func manualRun(s dispatch.StoredSchedule, configured *dispatch.Schedule) (dispatch.NewRun, error) {
	switch {
	case s.FollowUp != nil:
		return s.FollowUpRun(), nil
	case configured == nil:
		return dispatch.NewRun{}, fmt.Errorf("schedule %q is not in the settings any more, so nobody knows what it is to do", s.Name)
	}
	run, err := configured.Run(time.Now())
	if err != nil {
		return run, fmt.Errorf("schedule %q: %w", s.Name, err)
	}
	return run, nil
}

func schedulesDelete(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Forget an agent's follow-up, or a schedule that the settings do not name any more",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withSchedule(cmd, state.Beside, args[0], func(store *state.Store, s dispatch.StoredSchedule, configured *dispatch.Schedule) error {
				err := dispatch.ErrListed
				if configured == nil {
					err = store.DeleteSchedule(cmd.Context(), s.Name)
				}
				if errors.Is(err, dispatch.ErrListed) {
					return fmt.Errorf("the settings name schedule %q, those of this file or of who served last: take it out there, or pause it", s.Name)
				}
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.out, "schedule %s is deleted\n", s.Name)
				return err
			})
		},
	}
}
