package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/store/state"
)

// keyView is a key as the keys commands print it. Key is there once, when it was made.
type keyView struct {
	Name     string        `json:"name"`
	Key      string        `json:"key,omitempty"`
	Prefix   string        `json:"prefix"`
	State    auth.KeyState `json:"state"`
	Tools    []string      `json:"tools"`
	Effects  []string      `json:"effects"`
	Agents   []string      `json:"agents"`
	Created  time.Time     `json:"created_at"`
	LastUsed *time.Time    `json:"last_used_at,omitempty"`
	Expires  *time.Time    `json:"expires_at,omitempty"`
	Revoked  *time.Time    `json:"revoked_at,omitempty"`
}

func viewKey(k auth.MadeKey, now time.Time) keyView {
	effects := k.Effects
	if effects == nil {
		effects = auth.DefaultEffects()
	}
	return keyView{Name: k.Name, Prefix: k.Prefix, State: k.State(now), Tools: k.Tools, Effects: effects, Agents: k.Agents,
		Created: k.Created, LastUsed: some(k.LastUsed), Expires: some(k.Expires), Revoked: some(k.Revoked)}
}

func keysCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make, list, rotate and revoke API keys",
		Long: `API keys that are made here are kept in the store, by their hashes: a key is shown once, when it
is made, and never again. They count beside those of server.keys, and whoever serves from the store
knows of a change within two seconds. Once there is one, everybody who calls needs a key.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(keysCreate(c), keysList(c), keysRotate(c), keysRevoke(c))
	return cmd
}

// keyName is the form of names in the settings, too.
var keyName = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

func keysCreate(c *console) *cobra.Command {
	grants := auth.Grants{}
	var expires string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a key and print it, this once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			key := auth.MadeKey{Name: args[0], Grants: grants, Created: time.Now().UTC().Truncate(time.Millisecond)}
			if err := checkNewKey(cfg, key); err != nil {
				return wrongUse{err}
			}
			if key.Expires, err = readEnd(expires, key.Created); err != nil {
				return wrongUse{fmt.Errorf("--expires %q: %w", expires, err)}
			}
			return c.giveKey(cmd, cfg, key, asJSON, func(store *state.Store, key auth.MadeKey) (auth.MadeKey, error) {
				return key, store.MakeKey(cmd.Context(), key)
			})
		},
	}
	cmd.Flags().StringSliceVar(&grants.Tools, "tools", []string{"*"}, "patterns of the tools that it may call")
	cmd.Flags().StringSliceVar(&grants.Effects, "effects", auth.DefaultEffects(), "what these may do, of read, write, message and money")
	cmd.Flags().StringSliceVar(&grants.Agents, "agents", []string{"*"}, "patterns of the agents that it may talk to")
	cmd.Flags().IntVar(&grants.Limit.PerMinute, "requests-per-minute", config.DefaultKey().RequestsPerMinute, "how many requests to /v1 it may make; 0 is without a bound")
	cmd.Flags().IntVar(&grants.Limit.Concurrent, "concurrent", config.DefaultKey().Concurrent, "how many it may have under way; 0 is without a bound")
	cmd.Flags().BoolVar(&grants.DryRun, "dry-run", false, "what it calls says what it would do, and does nothing")
	cmd.Flags().StringVar(&expires, "expires", "", "how long it counts (36h, 90d), or until when (2026-12-31, 2026-12-31T12:00:00Z); for ever if left out")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// checkNewKey holds a key against what the settings ask of theirs.
func checkNewKey(cfg *config.Config, key auth.MadeKey) error {
	if !keyName.MatchString(key.Name) {
		return fmt.Errorf("%q is no name; want 1 to 64 of a-z, 0-9, _ and -", key.Name)
	}
	if slices.ContainsFunc(cfg.Server.Keys, func(k config.Key) bool { return k.Name == key.Name }) {
		return fmt.Errorf("%q is the name of a key in the settings", key.Name)
	}
	for _, pattern := range append(slices.Clone(key.Tools), key.Agents...) {
		if !patternOf.MatchString(pattern) {
			return fmt.Errorf("%q is no name or pattern; want letters, digits, _, - and ., and * for any run of characters", pattern)
		}
	}
	for _, effect := range key.Effects {
		if !slices.Contains([]string{"read", "write", "message", "money"}, effect) {
			return fmt.Errorf("%q is no effect; there are read, write, message, money", effect)
		}
	}
	switch {
	case len(key.Tools) == 0 || len(key.Effects) == 0:
		return errors.New("the key would open nothing; give --tools and --effects, or leave them out")
	case key.Limit.PerMinute < 0 || key.Limit.Concurrent < 0:
		return errors.New("a limit is negative; 0 is without a bound")
	}
	return nil
}

var patternOf = regexp.MustCompile(`^[A-Za-z0-9_.*-]{1,128}$`)

// readEnd is a time to come as people give it, or how long from now; the zero time for
// nothing.
func readEnd(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	var end time.Time
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			end = t.UTC()
		}
	}
	if end.IsZero() {
		d, err := config.ParseDuration(text)
		if err != nil {
			return end, errors.New("want 2026-12-31, 2026-12-31T12:00:00Z, or how long (36h, 90d)")
		}
		end = now.Add(d.Std()).Truncate(time.Millisecond)
	}
	if !end.After(now) {
		return end, errors.New("that has passed")
	}
	return end, nil
}

// giveKey makes the secret of a key, has it kept, and prints it.
func (c *console) giveKey(cmd *cobra.Command, cfg *config.Config, key auth.MadeKey, asJSON bool, keep func(*state.Store, auth.MadeKey) (auth.MadeKey, error)) error {
	secret := auth.NewSecret()
	key.Hash, key.Prefix = auth.HashOf(secret), auth.Shown(secret)
	// The first key may come before the first start: who listens for other machines needs one.
	store, err := openState(cmd.Context(), cfg.Store, state.Beside)
	if err != nil {
		return err
	}
	kept, err := keep(store, key)
	if err = errors.Join(err, store.Close()); err != nil {
		return explained(err)
	}
	view := viewKey(kept, kept.Created)
	view.Key = secret
	if asJSON {
		return printJSON(c.out, view)
	}
	out := &lines{w: c.out}
	out.printf("%s", secret)
	out.printf("")
	out.printf("It is shown this once. %s may call %s (%s), and talk to %s.", view.Name, strings.Join(view.Tools, " "), strings.Join(view.Effects, ", "), orNobody(view.Agents))
	if view.Expires != nil {
		out.printf("It counts until %s.", when(*view.Expires))
	}
	return out.err
}

func orNobody(agents []string) string {
	if len(agents) == 0 {
		return "nobody"
	}
	return strings.Join(agents, " ")
}

// explained says what to do about an error of the store's.
func explained(err error) error {
	switch {
	case errors.Is(err, auth.ErrNameTaken):
		return wrongUse{fmt.Errorf("%w; a name stays its holder's: rotate his key, or take another name", err)}
	case errors.Is(err, auth.ErrNoSuchKey):
		return wrongUse{fmt.Errorf("%w; see drawbridge keys list. Keys of the settings are changed there", err)}
	}
	return err
}

func keysList(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the keys that were made, by name",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := fromStore(c, cmd, func(store *state.Store) ([]auth.MadeKey, error) { return store.MadeKeys(cmd.Context()) })
			if err != nil {
				return err
			}
			views, rows := []keyView{}, [][]string{}
			for _, k := range keys {
				v := viewKey(k, time.Now())
				views = append(views, v)
				rows = append(rows, []string{v.Name, v.Prefix, string(v.State), when(v.Created), whenever(v.LastUsed), whenever(v.Expires), strings.Join(v.Tools, " "), strings.Join(v.Effects, ","), orNobody(v.Agents)})
			}
			list := listing{asJSON: asJSON}
			return list.print(c, views, "no keys were made yet", []string{"NAME", "KEY", "STATE", "CREATED", "LAST USED", "EXPIRES", "TOOLS", "EFFECTS", "AGENTS"}, rows)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func whenever(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return when(*t)
}

func keysRotate(c *console) *cobra.Command {
	var overlap, expires string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Make another key of a name, which opens the same, and let the old one run out",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			key := auth.MadeKey{Name: args[0], Created: time.Now().UTC().Truncate(time.Millisecond)}
			both, err := config.ParseDuration(overlap)
			if err != nil || both < 0 {
				return wrongUse{fmt.Errorf("--overlap %q: want how long both keys count, such as 24h, or 0s", overlap)}
			}
			if key.Expires, err = readEnd(expires, key.Created); err != nil {
				return wrongUse{fmt.Errorf("--expires %q: %w", expires, err)}
			}
			return c.giveKey(cmd, cfg, key, asJSON, func(store *state.Store, key auth.MadeKey) (auth.MadeKey, error) {
				return store.RotateKey(cmd.Context(), key, key.Created.Add(both.Std()))
			})
		},
	}
	cmd.Flags().StringVar(&overlap, "overlap", "24h", "how long the old key counts beside the new one")
	cmd.Flags().StringVar(&expires, "expires", "", "how long the new one counts, or until when; for ever if left out")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func keysRevoke(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME",
		Short: "End all keys of a name, within two seconds wherever it is served",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var ended int
			err := c.withStore(cmd, state.Beside, func(store *state.Store) (err error) {
				ended, err = store.RevokeKey(cmd.Context(), args[0], time.Now())
				return err
			})
			if err != nil {
				return explained(err)
			}
			_, err = fmt.Fprintf(c.out, "revoked %d of %s\n", ended, args[0])
			return err
		},
	}
}
