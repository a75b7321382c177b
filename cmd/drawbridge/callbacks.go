package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/server/callback"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// owedView is a callback as the callbacks commands print it. What a receiver answered
// is for people: it goes to no model.
type owedView struct {
	callbackView
	Run      string     `json:"run"`
	Endpoint string     `json:"endpoint"`
	Manual   int        `json:"manual_attempts,omitempty"`
	Created  time.Time  `json:"created_at"`
	Next     *time.Time `json:"next_at,omitempty"`
	Body     any        `json:"body,omitempty"`
	Log      []madeView `json:"log,omitempty"`
}

// madeView is one attempt.
type madeView struct {
	At      time.Time              `json:"at"`
	Manual  bool                   `json:"manual,omitempty"`
	State   dispatch.CallbackState `json:"state"`
	Status  int                    `json:"status,omitempty"`
	Reason  string                 `json:"reason,omitempty"`
	Latency float64                `json:"latency_ms"`
	Remote  string                 `json:"remote,omitempty"`
	Next    *time.Time             `json:"next_at,omitempty"`
	Excerpt string                 `json:"excerpt,omitempty"`
}

func viewOwed(c dispatch.Callback) owedView {
	return owedView{callbackView: callbackView{c.ID, c.State, c.Attempts, c.LastStatus, c.LastReason, some(c.LastAt)},
		Run: c.Run, Endpoint: c.Endpoint(), Manual: c.Manual, Created: c.Created, Next: some(c.Due)}
}

func callbacksCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "callbacks",
		Short: "Look at what the outside is told of runs, and have it told again",
		Long: `A callback tells somebody how a run ended: the address of the webhook's settings, or the one
that the request for the run named. It is kept whatever becomes of it, and can be sent again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(callbacksList(c), callbacksShow(c), callbacksReplay(c), callbacksEndpoints(c), callbacksEnable(c), callbacksNewSecret(c))
	return cmd
}

// callbackStates are what --state takes.
var callbackStates = []dispatch.CallbackState{dispatch.Pending, dispatch.Delivered, dispatch.Undelivered, dispatch.Held}

func callbacksList(c *console) *cobra.Command {
	var list listing
	var f dispatch.CallbackFilter
	var standing string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List callbacks, the newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.State, err = callbackState(standing); err != nil {
				return err
			}
			found, err := fromStore(c, cmd, func(store *state.Store) ([]dispatch.Callback, error) {
				return store.FindCallbacks(cmd.Context(), f, list.limit)
			})
			if err != nil {
				return err
			}
			views, rows := []owedView{}, [][]string{}
			for _, one := range found {
				v := viewOwed(one)
				views = append(views, v)
				rows = append(rows, []string{v.ID, when(v.Created), oneLine(v.Endpoint, 60), v.Run, string(v.State), fmt.Sprint(v.Attempts), nextOf(v), oneLine(v.Reason, 80)})
			}
			return list.print(c, views, "no callbacks", []string{"CALLBACK", "CREATED", "ENDPOINT", "RUN", "STATE", "ATTEMPTS", "NEXT", "REASON"}, rows)
		},
	}
	list.flags(cmd)
	cmd.Flags().StringVar(&standing, "state", "", "only those that are pending, delivered, dead (given up) or disabled (held)")
	cmd.Flags().StringVar(&f.Run, "run", "", "only those of this run")
	cmd.Flags().StringVar(&f.Endpoint, "endpoint", "", "only those to this endpoint, as \"callbacks endpoints\" names it")
	return cmd
}

func callbackState(text string) (dispatch.CallbackState, error) {
	for _, state := range callbackStates {
		if text == string(state) {
			return state, nil
		}
	}
	if text == "" {
		return "", nil
	}
	return "", wrongUse{fmt.Errorf("--state %q: expected pending, delivered, dead or disabled", text)}
}

func nextOf(v owedView) string {
	if v.Next == nil {
		return "-"
	}
	return when(*v.Next)
}

func callbacksShow(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show CALLBACK",
		Short: "Show one callback with each attempt, and what the receiver answered",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd, state.ReadOnly, func(store *state.Store) error {
				owed, err := store.Callback(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("%w; `drawbridge callbacks list` shows which there are", err)
				}
				made, err := store.CallbackAttempts(cmd.Context(), owed.ID)
				if err != nil {
					return err
				}
				view := viewOwed(owed)
				view.Body = bodyView(owed.Body)
				for _, m := range made {
					view.Log = append(view.Log, madeView{m.At, m.Manual, m.State, m.Status, m.Reason, float64(m.Latency.Microseconds()) / 1000, m.Remote, some(m.Next),
						strings.ToValidUTF8(string(m.Excerpt), "\uFFFD")})
				}
				if asJSON {
					return printJSON(c.out, view)
				}
				return printOwed(c, view, owed.Body)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printOwed(c *console, v owedView, body []byte) error {
	out := &lines{w: c.out}
	out.printf("callback  %s\nrun       %s\nendpoint  %s\nstate     %s\ncreated   %s", v.ID, v.Run, oneLine(v.Endpoint, 200), v.State, when(v.Created))
	if v.Next != nil {
		out.printf("next      %s", when(*v.Next))
	}
	for i, m := range v.Log {
		out.printf("\nattempt %d %s%s", i+1, when(m.At), onRequest(m.Manual))
		out.printf("  came to  %s, %s", came(m), m.State)
		if m.Remote != "" {
			out.printf("  reached  %s, in %.0f ms", m.Remote, m.Latency)
		}
		if m.Next != nil {
			out.printf("  next     %s", when(*m.Next))
		}
		if m.Excerpt != "" {
			out.printf("  answer   %s", oneLine(m.Excerpt, 500))
		}
	}
	out.printf("\n%s", printable(string(body)))
	return out.err
}

func onRequest(manual bool) string {
	if manual {
		return ", on request"
	}
	return ""
}

func came(m madeView) string {
	switch {
	case m.Reason != "":
		return oneLine(m.Reason, 200)
	case m.Status != 0:
		return fmt.Sprintf("answered %d", m.Status)
	}
	return "no answer"
}

func callbacksNewSecret(c *console) *cobra.Command {
	var pair, asJSON bool
	cmd := &cobra.Command{
		Use:   "new-secret",
		Short: "Make a secret to sign callbacks with",
		Long: `Prints a new Standard Webhooks secret for callback.secret or callbacks.secrets. It is kept
nowhere. With --ed25519 it is a private key, and the public one for whoever verifies is printed
with it.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var made struct {
				Secret string `json:"secret"`
				Public string `json:"public,omitempty"`
			}
			if made.Secret = callback.NewSecret(); pair {
				made.Secret, made.Public = callback.NewKeyPair()
			}
			if asJSON {
				return printJSON(c.out, made)
			}
			out := &lines{w: c.out}
			out.printf("%s", made.Secret)
			if pair {
				out.printf("%s", made.Public)
			}
			return out.err
		},
	}
	cmd.Flags().BoolVar(&pair, "ed25519", false, "make an Ed25519 key pair: whsk_, then whpk_")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
