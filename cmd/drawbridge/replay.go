package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/bridge"
	"drawbridge/bridge/replay"
	"drawbridge/config"
)

// replayWith is what a replay is to do otherwise, and how it is told.
type replayWith struct {
	prompt, promptFile   string
	agent, agentsFrom    string
	model                string
	fromJournal          bool
	unrecorded           string
	anyWords, asJSON     bool
	turns, calls, tokens int
	wall                 time.Duration
	cost                 string
	hasPrompt            bool
}

func replayCommand(c *console) *cobra.Command {
	var f replayWith
	cmd := &cobra.Command{
		Use:   "replay RUN",
		Short: "Carry a stored run again on its recorded results, without effects, and show what differs",
		Long: `Carries a stored run once more, beside itself: each tool call is answered with what it returned
then, and nothing is called, changed, sent or stored. Then it shows, turn by turn, what came
out otherwise. (To have something done again, with effects, there are "events replay" and
"dead replay".)

Without a change the model's recorded answers are given again, and no model is asked: the run
has to come out as it did. That checks this version of the program, and the tools as they are
defined now, against what happened. With another prompt, agent or model the configured model
is asked, and paid for (within the run's own budget, or --max-...; the day's budget of the
agent does not count it); --from-journal gives the recorded answers even so.

  drawbridge replay RUN                                 is it still the same?
  drawbridge replay RUN --model llama                   what would another model do?
  drawbridge replay RUN --prompt-file better.txt        or this one, asked otherwise?
  drawbridge replay RUN --agent billing                 or the agent, as it is configured now?
  drawbridge replay RUN --agents-from next.yaml         or as it will be?

A call is known by its tool and its arguments. One that was never recorded is not made: the
model is told so and goes on, or the replay ends there (--unrecorded stop). Tokens, costs and
times are shown and do not count as differences; with --any-words what the model says does
not either, and calls, results and the end do.

Exit code 0: no difference; 1: there is one, or the run cannot be replayed; 2: wrong use.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.hasPrompt = cmd.Flags().Changed("prompt") || cmd.Flags().Changed("prompt-file")
			return c.replay(cmd, args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.prompt, "prompt", "", "the prompt to give it instead; in a conversation, what the user said last")
	flags.StringVar(&f.promptFile, "prompt-file", "", "a file with that prompt, - for standard input")
	flags.StringVar(&f.agent, "agent", "", "carry it as this agent, as it is configured now")
	flags.StringVar(&f.agentsFrom, "agents-from", "", "take agents, models and tools from this configuration file; the store stays that of --config")
	flags.StringVar(&f.model, "model", "", "the model to ask, by its configured name")
	flags.BoolVar(&f.fromJournal, "from-journal", false, "give the recorded answers and ask no model, whatever else is changed")
	flags.StringVar(&f.unrecorded, "unrecorded", string(replay.Tell), "on a call that was never recorded: tell the model, or stop")
	flags.BoolVar(&f.anyWords, "any-words", false, "what the model says may differ; its calls, their results and the end may not")
	flags.BoolVar(&f.asJSON, "json", false, "print the comparison as JSON")
	flags.IntVar(&f.turns, "max-turns", 0, "let the replay take no more turns than this")
	flags.IntVar(&f.calls, "max-calls", 0, "nor ask for more calls")
	flags.IntVar(&f.tokens, "max-tokens", 0, "nor use more tokens")
	flags.StringVar(&f.cost, "max-cost", "", `nor cost more, such as "0.50 USD"`)
	flags.DurationVar(&f.wall, "max-time", 0, "nor work longer, such as 2m")
	cmd.MarkFlagsMutuallyExclusive("prompt", "prompt-file")
	cmd.MarkFlagsMutuallyExclusive("model", "from-journal")
	return cmd
}

// check finds wrong use, and gives the bounds.
func (f replayWith) check() (bridge.Budget, error) {
	wrong := func(format string, args ...any) (bridge.Budget, error) {
		return bridge.Budget{}, wrongUse{fmt.Errorf(format, args...)}
	}
	if !slices.Contains(replay.Policies, replay.Policy(f.unrecorded)) {
		return wrong("--unrecorded %q: expected one of %q", f.unrecorded, replay.Policies)
	}
	if f.turns < 0 || f.calls < 0 || f.tokens < 0 || f.wall < 0 {
		return wrong("--max-...: a bound cannot be negative")
	}
	bounds := bridge.Budget{Turns: f.turns, Calls: f.calls, Tokens: f.tokens, Wall: f.wall}
	if f.cost != "" {
		cost, err := config.ParseMoney(f.cost)
		if err != nil {
			return wrong("--max-cost %q: %w", f.cost, err)
		}
		bounds.Cost, bounds.Currency = cost.Micros(), cost.Currency
	}
	return bounds, nil
}

// changes reports whether anything is to be otherwise than it was, so that the recorded
// answers would be answers to something else.
func (f replayWith) changes() bool {
	return f.hasPrompt || f.agent != "" || f.agentsFrom != "" || f.model != ""
}

// text is the prompt that the flags give.
func (f replayWith) text(c *console) (string, error) {
	text := f.prompt
	switch f.promptFile {
	case "":
	case "-":
		return c.prompt(nil)
	default:
		raw, err := os.ReadFile(f.promptFile)
		if err != nil {
			return "", wrongUse{fmt.Errorf("reading the prompt: %w", err)}
		}
		text = string(raw)
	}
	if len(text) > maxPrompt {
		return "", wrongUse{fmt.Errorf("the prompt is above %d bytes", maxPrompt)}
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", wrongUse{errors.New("the prompt is empty")}
	}
	return text, nil
}

// replay does what the command says.
func (c *console) replay(cmd *cobra.Command, id string, f replayWith) error {
	ctx := cmd.Context()
	bounds, err := f.check()
	if err != nil {
		return err
	}
	cfg, err := c.settings(cmd)
	if err != nil {
		return err
	}
	as := cfg
	if f.agentsFrom != "" {
		if as, err = config.LoadFrom(f.agentsFrom, c.references(cmd.Context())); err != nil {
			return err
		}
	}
	stored, err := storedRunOf(ctx, cfg, as, id)
	if err != nil {
		return err
	}
	plan, err := c.planReplay(ctx, as, stored, f, bounds)
	if err != nil {
		return err
	}
	report, err := c.playReplay(ctx, as, stored, plan, f)
	if err != nil {
		return err
	}
	view := plan.view(stored, report)
	if f.asJSON {
		err = printJSON(c.out, view)
	} else {
		err = printReplay(c.out, view)
	}
	if err == nil && !report.Same {
		return errSilent // exit code 1
	}
	return err
}

// playReplay carries the run as planned, and compares.
func (c *console) playReplay(ctx context.Context, as *config.Config, stored storedRun, plan replayPlan, f replayWith) (replay.Report, error) {
	o := replay.Options{Tools: plan.tools, Brief: &plan.brief, Unrecorded: replay.Policy(f.unrecorded)}
	if plan.asks {
		log := c.logger(config.Log{Level: "error", Format: as.Log.Format})
		model, stop, err := replayModel(ctx, as, plan.brief, egressOf(as.Egress), log)
		if err != nil {
			return replay.Report{}, err
		}
		defer stop()
		if slices.Contains(append([]string{plan.brief.Model}, plan.brief.Fallback...), config.RehearsalModel) {
			_, _ = fmt.Fprintln(c.err, "drawbridge: a scripted rehearsal model is speaking, and no real one")
		}
		o.Model, o.Log = model, log
		if !f.asJSON {
			o.Watch = progressOf(c.err)
		}
	}
	played, err := stored.recording.Play(ctx, o)
	if err != nil {
		return replay.Report{}, err
	}
	return replay.Compare(stored.recording, played, replay.Rules{AnyWords: f.anyWords})
}

// progressOf tells whoever waits for a model that something is happening.
func progressOf(w io.Writer) bridge.Watch {
	return func(e bridge.Event) {
		switch e.Kind {
		case bridge.Turned:
			_, _ = fmt.Fprintf(w, "drawbridge: turn %d is answered\n", e.Turn)
		case bridge.Calling:
			_, _ = fmt.Fprintf(w, "drawbridge: turn %d asks for %s, which is not called\n", e.Turn, oneLine(e.Function, 80))
		}
	}
}
