package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// replayFlags say what is to be sent again.
type replayFlags struct {
	filter       dispatch.CallbackFilter
	all, asJSON  bool
	since, until string
}

func callbacksReplay(c *console) *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay [CALLBACK]",
		Short: "Send callbacks again: one, those of a time, or those that are missing",
		Long: `Sends callbacks once more, at once, whatever became of them before: the same message under the
same webhook-id, with a new timestamp and signature. An attempt that fails leaves everything as
it was, and starts no schedule.

Either name one callback, or say which: those made within a time (--since, --until: a time such
as 2026-01-31T12:00:00Z, or how long ago, such as 24h or 7d), or those that were not delivered
(--missing), or both; and of whom: one endpoint (--endpoint) or everybody (--all). A serving
process takes it up within a second; otherwise the next one to start does.`,
		Example: `  drawbridge callbacks replay msg_0190c0de0000
  drawbridge callbacks replay --endpoint shop --missing
  drawbridge callbacks replay --all --since 24h --until 1h`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.read(args, time.Now()); err != nil {
				return wrongUse{fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")}
			}
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				if f.filter.ID != "" {
					if _, err := store.Callback(cmd.Context(), f.filter.ID); err != nil {
						return fmt.Errorf("%w; `drawbridge callbacks list` shows which there are", err)
					}
				}
				done, err := store.ReplayCallbacks(cmd.Context(), f.filter)
				if err != nil {
					return err
				}
				return f.print(c, done)
			})
		},
	}
	cmd.Flags().StringVar(&f.filter.Endpoint, "endpoint", "", "those to this endpoint, as \"callbacks endpoints\" names it")
	cmd.Flags().BoolVar(&f.all, "all", false, "those to all endpoints")
	cmd.Flags().StringVar(&f.since, "since", "", "those made at or after this")
	cmd.Flags().StringVar(&f.until, "until", "", "those made at or before this")
	cmd.Flags().BoolVar(&f.filter.Missing, "missing", false, "only those that were not delivered")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

// read checks what is asked for. Nobody sends everything to everybody by a slip.
func (f *replayFlags) read(args []string, now time.Time) (err error) {
	if f.filter.Since, err = momentOf("--since", f.since, now); err != nil {
		return err
	}
	if f.filter.Until, err = momentOf("--until", f.until, now); err != nil {
		return err
	}
	scoped := f.all || f.filter.Endpoint != ""
	picked := f.filter.Missing || f.since != "" || f.until != ""
	switch {
	case len(args) == 1 && (scoped || picked):
		return errors.New("a callback's id and flags that pick callbacks do not go together")
	case len(args) == 1:
		f.filter.ID = args[0]
	case f.all && f.filter.Endpoint != "":
		return errors.New("--endpoint and --all do not go together")
	case !scoped:
		return errors.New("to whom? name one callback, or --endpoint or --all")
	case !picked:
		return errors.New("which? say --since, --until or --missing")
	case f.until != "" && f.filter.Until.Before(f.filter.Since):
		return errors.New("--until is before --since")
	}
	return nil
}

// momentOf reads a time, or how long ago it was.
func momentOf(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	var ago config.Duration
	if err := ago.UnmarshalText([]byte(text)); err != nil {
		return time.Time{}, fmt.Errorf("%s %q: expected a time such as 2026-01-31T12:00:00Z, or how long ago, such as 24h or 7d", flag, text)
	}
	return now.Add(-time.Duration(ago)), nil
}

func (f *replayFlags) print(c *console, done dispatch.Replayed) error {
	if f.asJSON {
		return printJSON(c.out, struct {
			Due      int `json:"due"`
			UnderWay int `json:"under_way"`
		}{done.Due, done.UnderWay})
	}
	out := &lines{w: c.out}
	switch {
	case done == dispatch.Replayed{}:
		out.printf("no callback fits that")
	case f.filter.ID != "" && done.UnderWay > 0:
		out.printf("%s is being sent at the moment; follow it with: drawbridge callbacks show %[1]s", f.filter.ID)
	case f.filter.ID != "":
		out.printf("%s will be sent again; follow it with: drawbridge callbacks show %[1]s", f.filter.ID)
	default:
		out.printf("callbacks that will be sent again: %d; follow them with: drawbridge callbacks list", done.Due)
		if done.UnderWay > 0 {
			out.printf("%d more are being sent at the moment", done.UnderWay)
		}
	}
	return out.err
}
