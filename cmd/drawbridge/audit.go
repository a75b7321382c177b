package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/server/audit"
	"drawbridge/server/export"
	"drawbridge/store/state"
)

func auditCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Search the audit of tool calls, and prove that nobody changed it",
		Long: `Every try to call a tool leaves a row in the audit, refused ones too. The rows are a chain: each
carries the hash of the one before it and its own. About once a second, when rows have come, a
head is made: how many rows there are, the last one's hash, and a signature. Its key is in a file
beside the store (audit.key), not in the database. Some of the heads are kept, and are
written to the log as well (member audit_head).

On PostgreSQL a row gets its place in the chain within a second or so after it was written.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(auditSearch(c), auditVerify(c), auditExport(c))
	return cmd
}

// callView is a row as the commands print it.
type callView struct {
	ID        int64           `json:"id"`
	At        time.Time       `json:"at"`
	Principal string          `json:"principal"`
	Door      string          `json:"door"`
	Tool      string          `json:"tool"`
	Effect    string          `json:"effect"`
	Arguments json.RawMessage `json:"arguments"`
	Decision  string          `json:"decision"`
	Rule      string          `json:"rule,omitempty"`
	Outcome   string          `json:"outcome"`
	Micros    int64           `json:"duration_us"`
	Run       string          `json:"run,omitempty"`
	Key       string          `json:"idempotency_key,omitempty"`
	Tainted   bool            `json:"tainted,omitempty"`
	DryRun    bool            `json:"dry_run,omitempty"`
	Approval  string          `json:"approval,omitempty"`
	Policy    string          `json:"policy,omitempty"`
}

func viewCall(r audit.Record) callView {
	return callView{r.ID, time.UnixMilli(r.At).UTC(), r.Principal, r.Door, r.Tool, r.Effect, export.JSON([]byte(r.Arguments)), r.Decision, r.Rule, r.Outcome, r.Micros,
		r.Run, r.Key, r.Tainted, r.DryRun, r.Approval, r.Policy}
}

func auditSearch(c *console) *cobra.Command {
	var list listing
	var fits audit.Filter
	var span period
	cmd := &cobra.Command{
		Use:     "search",
		Aliases: []string{"list"},
		Short:   "List rows of the audit, the newest first",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if fits.Since, fits.Until, err = span.read(time.Now()); err != nil {
				return err
			}
			found, err := fromStore(c, cmd, func(store *state.Store) ([]audit.Record, error) {
				return store.SearchAudit(cmd.Context(), fits, list.limit)
			})
			if err != nil {
				return err
			}
			views, rows := []callView{}, [][]string{}
			for _, r := range found {
				v := viewCall(r)
				views = append(views, v)
				rows = append(rows, []string{strconv.FormatInt(v.ID, 10), v.At.Format(time.RFC3339), v.Principal, v.Tool, v.Effect, v.Decision, v.Outcome, v.Run, v.Rule})
			}
			return list.print(c, views, "no such rows", []string{"ROW", "AT", "PRINCIPAL", "TOOL", "EFFECT", "DECISION", "OUTCOME", "RUN", "RULE"}, rows)
		},
	}
	list.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&fits.Run, "run", "", "only calls of this run")
	flags.StringVar(&fits.Tool, "tool", "", "only calls of this tool, or of those that fit a pattern (crm_*)")
	flags.StringVar(&fits.Principal, "principal", "", "only calls by this principal (key:desk, agent:billing), or by those that fit a pattern (key:*)")
	flags.StringVar(&fits.Decision, "decision", "", "only those that were allowed, refused or repeated")
	flags.StringVar(&fits.Effect, "effect", "", "only calls of tools that read, write, message or money")
	flags.StringVar(&fits.Outcome, "outcome", "", "only those that came out as this: ok, or the code of an error")
	flags.StringVar(&fits.Approval, "approval", "", "only calls that waited for this approval, or were made under it")
	flags.BoolVar(&fits.Tainted, "tainted", false, "only calls of runs that had read text from outside")
	flags.BoolVar(&fits.DryRun, "dry-run", false, "only calls that were answered with what they would do")
	flags.BoolVar(&fits.Cached, "cached", false, "only reads that were answered with what an earlier one gave (cache.ttl)")
	span.flags(cmd, "only calls that came")
	return cmd
}

func auditExport(c *console) *cobra.Command {
	selected := export.Selection{What: []export.What{export.Audit}}
	var out string
	var span period
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the audit with its chain and heads as JSON Lines",
		Long: `Writes what "drawbridge export --what audit" does. A whole export can be verified without the
store: "drawbridge audit verify --file FILE --key PUBLIC". Of one that --since, --until or --source
cut down the rows are there, and not the proof.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if selected.Since, selected.Until, err = span.read(time.Now()); err != nil {
				return err
			}
			return c.withStore(cmd, state.ReadOnly, func(store *state.Store) error { return c.export(cmd, store, selected, out) })
		},
	}
	cmd.Flags().StringVar(&selected.Source, "source", "", "only what goes back to this webhook, or other source")
	cmd.Flags().StringVar(&out, "out", "", "write to this file, which must not exist yet")
	span.flags(cmd, "only calls that came")
	return cmd
}

// errBrokenAudit: exit code 1; what is broken has been said.
var errBrokenAudit = errors.New("the audit is not as it was")

func auditVerify(c *console) *cobra.Command {
	var keys []string
	var heads, file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that no row of the audit was changed, removed or moved, or name the first",
		Long: `Goes over all rows in their order and holds each to its hash, to the row before it, and to the
heads. It names the first row that is not as it was: changed, missing, reordered, inserted,
truncated (rows at the end are gone), or rewritten (all is consistent, and differs from a head).
Exit 0 if all is in order, 1 if not. It works beside a serving process.

Heads have to be signed with a key that is believed: those given by --key, else the one in the file
of the settings (audit.key). Give --key where somebody who could change the database may have
changed that file as well; the command prints what it went by. --heads takes a file with heads
that were kept elsewhere: an export, or the log as JSON.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			believed, err := readKeys(keys)
			if err != nil {
				return err
			}
			more, err := readHeads(heads)
			if err != nil {
				return err
			}
			var report audit.Report
			verify := func(from audit.Source) (err error) {
				report, err = audit.Verify(cmd.Context(), from, believed, more)
				return err
			}
			if file != "" {
				err = verify(audit.File{Path: file})
			} else {
				cfg, failed := c.settings(cmd)
				if failed != nil {
					return failed
				}
				if len(believed) == 0 {
					believed = ownKeys(cfg)
				}
				store, failed := openStoreOf(cmd.Context(), cfg, state.ReadOnly)
				if failed != nil {
					return failed
				}
				err = errors.Join(store.WholeAudit(cmd.Context(), verify), store.Close())
			}
			if err != nil {
				return err
			}
			return c.tellAudit(report, believed, asJSON)
		},
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "believe heads signed with this public key (base64, or a file with it); may be given several times")
	cmd.Flags().StringVar(&heads, "heads", "", "hold the rows to the heads in this file as well")
	cmd.Flags().StringVar(&file, "file", "", "verify a file that audit export wrote, and not the store")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

func readKeys(given []string) (keys []string, err error) {
	for _, text := range given {
		key, err := audit.ParsePublic(text)
		if err != nil {
			return nil, wrongUse{fmt.Errorf("--key: %w", err)}
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func readHeads(path string) ([]audit.Head, error) {
	if path == "" {
		return nil, nil
	}
	from, err := os.Open(path)
	if err != nil {
		return nil, wrongUse{fmt.Errorf("--heads: %w", err)}
	}
	defer func() { _ = from.Close() }()
	heads, err := audit.ReadHeads(from)
	if err == nil && len(heads) == 0 {
		err = fmt.Errorf("%q has no heads in it", path)
	}
	if err != nil {
		return nil, wrongUse{fmt.Errorf("--heads: %w", err)}
	}
	return heads, nil
}

// tellAudit says how a verification came out.
func (c *console) tellAudit(r audit.Report, keys []string, asJSON bool) error {
	var failed error
	if r.Break != nil {
		failed = errBrokenAudit
	}
	if asJSON {
		return errors.Join(printJSON(c.out, r), failed)
	}
	out := lines{w: c.out}
	if b := r.Break; b != nil {
		out.printf("row %d: %s: %s", b.Row, b.Fault, b.Detail)
		return errors.Join(out.err, failed)
	}
	out.printf("%d rows in order, %d to %d", r.Rows, r.First, r.Last)
	out.printf("%d heads fit, %d of them signed; %d rows behind the last", r.Heads, r.Signed, r.Behind)
	if r.Pending > 0 {
		out.printf("%d rows have no place in the chain yet", r.Pending)
	}
	for _, key := range keys {
		out.printf("believed key: %s", key)
	}
	if len(keys) == 0 {
		out.printf("no key was given, and there is none in the settings: that whoever made the heads may have made them is not proved")
	}
	return out.err
}
