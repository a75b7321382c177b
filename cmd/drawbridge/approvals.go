package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/server/guard"
	"drawbridge/store/state"
)

func approvalsCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "approvals",
		Short: "Decide about calls that wait for people to agree to them",
		Long: `A rule may want people to agree to a call before it is made. The call waits then: a run is
parked, an MCP client is told. Whoever may decides here, at /v1/approvals with a key that has
"approve: true", by the link that the settings under "approvals" send, or by the buttons of
a message in Slack.

An approval is for one call with exactly its arguments, is used once, and runs out. Whoever
asked for the call cannot agree to it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(approvalsList(c), approvalsShow(c), approvalsDecide(c, true), approvalsDecide(c, false))
	return cmd
}

// approvalView is an approval as the commands print it.
type approvalView struct {
	ID        string                   `json:"id"`
	State     guard.ApprovalState      `json:"state"`
	Tool      string                   `json:"tool"`
	Effect    string                   `json:"effect"`
	Arguments json.RawMessage          `json:"arguments"`
	Principal string                   `json:"principal"`
	For       string                   `json:"acts_for,omitempty"`
	Run       string                   `json:"run,omitempty"`
	Door      string                   `json:"door"`
	Rule      string                   `json:"rule"`
	Reason    string                   `json:"reason,omitempty"`
	Policy    string                   `json:"policy,omitempty"`
	By        []string                 `json:"may_decide,omitempty"`
	Needs     int                      `json:"needs"`
	Missing   int                      `json:"missing"`
	Digest    string                   `json:"digest"`
	Key       string                   `json:"idempotency_key,omitempty"`
	Created   time.Time                `json:"created_at"`
	Expires   time.Time                `json:"expires_at"`
	Ended     *time.Time               `json:"ended_at,omitempty"`
	Decisions []guard.ApprovalDecision `json:"decisions,omitempty"`
}

func viewApproval(a guard.Approval) approvalView {
	return approvalView{a.ID, a.State, a.Tool, string(a.Effect), a.Arguments, a.Principal, a.For, a.Run, a.Door, a.Rule, a.Reason, a.Policy,
		a.Terms.By, a.Terms.Needs(), a.Missing(), a.Digest, a.Key, a.Created, a.Expires, some(a.Ended), a.Decisions}
}

func approvalsList(c *console) *cobra.Command {
	var list listing
	var standing string
	var f guard.ApprovalFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List approvals, the newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.State = guard.ApprovalState(standing); f.State != "" && !slices.Contains(guard.ApprovalStates, f.State) {
				return wrongUse{fmt.Errorf("--state %q: expected one of %v", standing, guard.ApprovalStates)}
			}
			found, err := fromStore(c, cmd, func(store *state.Store) ([]guard.Approval, error) {
				return store.ListApprovals(cmd.Context(), f, "", list.limit)
			})
			if err != nil {
				return err
			}
			views, rows := []approvalView{}, [][]string{}
			for _, one := range found {
				views = append(views, viewApproval(one))
				rows = append(rows, []string{one.ID, string(one.State), one.Tool, oneLine(string(one.Arguments), 60), one.Principal, when(one.Expires), oneLine(one.Reason, 60)})
			}
			return list.print(c, views, "no approvals", []string{"APPROVAL", "STATE", "TOOL", "ARGUMENTS", "ASKED BY", "UNTIL", "WHY"}, rows)
		},
	}
	list.flags(cmd)
	cmd.Flags().StringVar(&standing, "state", "", "only those that are pending, approved, denied, expired or used")
	cmd.Flags().StringVar(&f.Run, "run", "", "only those of this run")
	return cmd
}

func approvalsShow(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show APPROVAL",
		Short: "Show one approval: the call, who may decide, and who said what",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd, state.ReadOnly, func(store *state.Store) error {
				one, err := store.Approval(cmd.Context(), args[0])
				if err != nil {
					return unknownApproval(err)
				}
				if asJSON {
					return printJSON(c.out, viewApproval(one))
				}
				return printApproval(c, one)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func unknownApproval(err error) error {
	if errors.Is(err, guard.ErrNoApproval) {
		return fmt.Errorf("%w; `drawbridge approvals list` shows those there are", err)
	}
	return err
}

func printApproval(c *console, a guard.Approval) error {
	out := &lines{w: c.out}
	out.printf("%s  %s", a.ID, a.State)
	out.printf("  call        %s (%s) %s", a.Tool, a.Effect, printable(string(a.Arguments)))
	asked := a.Principal
	if a.For != "" {
		asked += " for " + a.For
	}
	if a.Run != "" {
		asked += " in " + a.Run
	}
	out.printf("  asked by    %s, %s", asked, when(a.Created))
	out.printf("  rule        %s %s", a.Rule, printable(a.Reason))
	who := "anybody who may decide at all"
	if len(a.Terms.By) > 0 {
		who = strings.Join(a.Terms.By, ", ")
	}
	out.printf("  decides     %s; %d of %d are missing, until %s", who, a.Missing(), a.Terms.Needs(), when(a.Expires))
	for _, d := range a.Decisions {
		said := "approved"
		if !d.Approved {
			said = "denied"
		}
		out.printf("  %s  %s %s it (%s) %s", when(d.At), d.By, said, d.How, printable(d.Note))
	}
	return out.err
}

func approvalsDecide(c *console, approve bool) *cobra.Command {
	var v = guard.ApprovalVerdict{Approve: approve}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "approve APPROVAL",
		Short: "Agree to a call",
		Long:  "Agrees to a call, in the name of whoever is at the command line. What waits for it goes on by itself.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			people, name := peopleOf(cfg.Approvals), localName()
			by := guard.Decider{Name: name, Person: people[name], How: "command", People: people}
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				v.At = time.Now()
				one, err := store.DecideApproval(cmd.Context(), args[0], by, v)
				if errors.Is(err, guard.ErrDecided) {
					return fmt.Errorf("%w: it is %s", err, one.State)
				}
				if err != nil {
					return unknownApproval(err)
				}
				if asJSON {
					return printJSON(c.out, viewApproval(one))
				}
				return printDecided(c, one)
			})
		},
	}
	if !approve {
		cmd.Use, cmd.Short = "deny APPROVAL", "Refuse a call"
		cmd.Long = "Refuses a call, in the name of whoever is at the command line. The note goes to the model as the reason."
	}
	cmd.Flags().StringVar(&v.Note, "note", "", "why; of a denial it goes to whoever called")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the approval as JSON")
	return cmd
}

func printDecided(c *console, a guard.Approval) error {
	said := "the call may be made once, until " + when(a.Expires)
	switch a.State {
	case guard.ApprovalDenied:
		said = "the call is refused"
	case guard.ApprovalPending:
		said = fmt.Sprintf("%d more people have to agree", a.Missing())
	}
	_, err := fmt.Fprintf(c.out, "noted: %s\n", said)
	return err
}

// localName is who decides at the command line: the user of this machine.
func localName() string {
	name := "somebody"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	} else if n := os.Getenv("USER"); n != "" {
		name = n
	}
	return "local:" + name
}
