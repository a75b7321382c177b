package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// endpointView is an endpoint as the command prints it.
type endpointView struct {
	Name         string     `json:"endpoint"`
	State        string     `json:"state"` // enabled, failing or disabled
	Why          string     `json:"why,omitempty"`
	DisabledAt   *time.Time `json:"disabled_at,omitempty"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	Failures     int        `json:"failures_in_a_row"`
	LastSuccess  *time.Time `json:"last_success_at,omitempty"`
	Pending      int        `json:"pending"`
	Delivered    int        `json:"delivered"`
	Dead         int        `json:"dead"`
	Held         int        `json:"disabled"`
}

func viewEndpoint(e dispatch.Endpoint) endpointView {
	v := endpointView{Name: e.Name, State: "enabled", Why: e.Why, DisabledAt: some(e.DisabledAt), FailingSince: some(e.FailingSince), Failures: e.Failures,
		LastSuccess: some(e.LastSuccess), Pending: e.Pending, Delivered: e.Delivered, Dead: e.Dead, Held: e.Held}
	switch {
	case v.DisabledAt != nil:
		v.State = "disabled"
	case v.FailingSince != nil:
		v.State = "failing"
	}
	return v
}

func callbacksEndpoints(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "endpoints",
		Short: "List who is told, how it goes there, and what is owed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			endpoints, err := fromStore(c, cmd, func(store *state.Store) ([]dispatch.Endpoint, error) { return store.Endpoints(cmd.Context()) })
			if err != nil {
				return err
			}
			views, rows := []endpointView{}, [][]string{}
			for _, e := range endpoints {
				v := viewEndpoint(e)
				views = append(views, v)
				rows = append(rows, []string{v.Name, v.State, sinceOf(v), fmt.Sprint(v.Failures), fmt.Sprint(v.Pending), fmt.Sprint(v.Held), fmt.Sprint(v.Dead), fmt.Sprint(v.Delivered), oneLine(v.Why, 80)})
			}
			list := listing{asJSON: asJSON}
			return list.print(c, views, "nobody was told anything yet", []string{"ENDPOINT", "STATE", "SINCE", "FAILURES", "PENDING", "HELD", "DEAD", "DELIVERED", "WHY"}, rows)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

// sinceOf is since when an endpoint is disabled or fails.
func sinceOf(v endpointView) string {
	switch {
	case v.DisabledAt != nil:
		return when(*v.DisabledAt)
	case v.FailingSince != nil:
		return when(*v.FailingSince)
	}
	return "-"
}

func callbacksEnable(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "enable ENDPOINT",
		Short: "Use a disabled endpoint again, and send what was held for it",
		Long: `Takes an endpoint into use again that was disabled because it was gone or did nothing but fail.
What was held for it is due at once and goes on with its schedule. A serving process takes it
up within a second; otherwise the next one to start does.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				due, err := store.EnableEndpoint(cmd.Context(), args[0])
				if errors.Is(err, dispatch.ErrNotFound) {
					return fmt.Errorf("there is no disabled endpoint %q; `drawbridge callbacks endpoints` shows which there are", args[0])
				}
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c.out, struct {
						Due int `json:"due"`
					}{due})
				}
				_, err = fmt.Fprintf(c.out, "%s is enabled; callbacks held for it that are due now: %d\n", args[0], due)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
