package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/server/export"
	"drawbridge/store/state"
)

func exportCommand(c *console) *cobra.Command {
	var selected export.Selection
	var what []string
	var out string
	var span period
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write what is stored as JSON Lines",
		Long: `Writes events, runs, journals, callbacks, the audit and refused deliveries, one JSON object a
line, to standard output or a new file, all as of one moment. It works beside a serving process.

Each line has a kind: event, delivery (the whole body of one that was several events), run, entry
(of a run's journal), callback, attempt, audit or rejection. Bodies, prompts, answers and excerpts
are text as it is; what is no valid UTF-8 is base64, and a member with _encoding behind its name
says so: {"kind":"event",...,"body":"AP8=","body_encoding":"base64"}. Times are RFC 3339 in UTC.
No secret of the settings is in it, and of an address that a request gave for its callback no more
than the host. Everything else is: customers, mails, what models said. A file is readable by you only.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			for _, name := range what {
				part := export.What(name)
				if !slices.Contains(export.All, part) {
					return wrongUse{fmt.Errorf("--what %q: expected some of %s", name, words(export.All))}
				}
				selected.What = append(selected.What, part)
			}
			if selected.Since, selected.Until, err = span.read(time.Now()); err != nil {
				return err
			}
			return c.withStore(cmd, state.ReadOnly, func(store *state.Store) error {
				return c.export(cmd, store, selected, out)
			})
		},
	}
	cmd.Flags().StringSliceVar(&what, "what", nil, "only these: "+words(export.All))
	cmd.Flags().StringVar(&selected.Source, "source", "", "only what goes back to this webhook, or other source")
	cmd.Flags().StringVar(&out, "out", "", "write to this file, which must not exist yet")
	span.flags(cmd, "only what came, or was made,")
	return cmd
}

// export writes to where it is wanted, and tells how much it was. A file that was not
// written to its end is removed.
func (c *console) export(cmd *cobra.Command, store *state.Store, selected export.Selection, out string) (err error) {
	to := c.out
	if out != "" {
		file, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return wrongUse{err}
		}
		defer func() {
			if err = errors.Join(err, file.Close()); err != nil {
				_ = os.Remove(out)
			}
		}()
		to = file
	}
	counts, err := export.Write(cmd.Context(), to, store, selected)
	if err != nil {
		return err
	}
	return tellCounts(c.err, counts)
}

func tellCounts(w io.Writer, counts map[string]int) error {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	text := "nothing to export"
	if len(parts) > 0 {
		text = "exported by kind: " + strings.Join(parts, ", ")
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
