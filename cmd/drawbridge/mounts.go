package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"drawbridge/config"
	"drawbridge/server/egress"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

// mounts are the MCP servers and REST APIs of the settings. They are wired with the rest and
// start when somebody needs their tools: a check of the settings starts nothing.
type mounts struct {
	list    []*mcpmount.Mount
	apis    []restAPI // of those, in their order
	running sync.WaitGroup
	stop    context.CancelFunc // nil before start
}

// newMounts prepares the servers. What they offer goes into the catalog as it
// comes and goes.
func newMounts(cfg *config.Config, catalog *tools.Catalog, book mcpmount.Book, rules *egress.Rules, log *slog.Logger) (*mounts, error) {
	all := &mounts{}
	for i, server := range cfg.Tools.MCP {
		o := mcpmount.Options{Log: log, Book: book, Transport: mountTransport(rules, server.URL), Changed: offering(catalog, server.Name, log)}
		settings := mountSettings(server)
		if problems := unknownProblems(cfg, fmt.Sprintf("tools.mcp[%d].unknown", i), settings.Unknown); len(problems) > 0 {
			return nil, problems
		}
		mount, err := mcpmount.New(settings, o)
		if err != nil {
			return nil, config.Problems{cfg.Problem(fmt.Sprintf("tools.mcp[%d]", i), "%v", err)}
		}
		all.list = append(all.list, mount)
	}
	return all, all.addAPIs(cfg, catalog, book, rules, log)
}

func mountSettings(s config.MCPServer) mcpmount.Settings {
	effects := map[string]tools.Effect{}
	for pattern, effect := range s.Effects {
		effects[pattern] = tools.Effect(effect)
	}
	return mcpmount.Settings{
		Name: s.Name, Command: s.Command, Env: revealed(s.Env), URL: s.URL, Headers: revealed(s.Headers),
		Include: s.Include, Effects: effects, Unknown: unknownOutcomes(s.Unknown),
		TrustHints: s.Trusts(config.TrustHints), TrustResults: s.Trusts(config.TrustResults), TrustChanges: s.Trusts(config.TrustChanges),
		StartTimeout: time.Duration(s.StartTimeout), CallTimeout: time.Duration(s.CallTimeout),
	}
}

// lookAfter is how long to wait before looking whether a call took effect, if the
// settings do not say.
const lookAfter = 5 * time.Second

func unknownOutcomes(settings map[string]config.UnknownOutcome) map[string]mcpmount.Unknown {
	out := make(map[string]mcpmount.Unknown, len(settings))
	for pattern, s := range settings {
		u := mcpmount.Unknown{Do: tools.Policy(s.Do), Tool: s.Tool, Arguments: s.Arguments, Found: s.Found}
		switch {
		case s.After != nil:
			u.After = time.Duration(*s.After)
		case s.Do == config.UnknownCheck:
			u.After = lookAfter
		}
		out[pattern] = u
	}
	return out
}

// unknownProblems gives mistakes in expressions the place that they have in the file.
func unknownProblems(cfg *config.Config, path string, settings map[string]mcpmount.Unknown) config.Problems {
	var problems config.Problems
	for _, pattern := range slices.Sorted(maps.Keys(settings)) {
		for _, err := range each(settings[pattern].Check()) {
			at := config.Child(path, pattern)
			var mistake *mcpmount.ExpressionError
			if errors.As(err, &mistake) {
				problems = append(problems, cfg.ProblemAt(at+"."+mistake.Field, mistake.Line, mistake.Column, "%s", mistake.Message))
			} else {
				problems = append(problems, cfg.Problem(at, "%v", err))
			}
		}
	}
	return problems
}

// each gives the errors that were joined to one.
func each(err error) []error {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &joined):
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, each(one)...)
		}
		return all
	}
	return []error{err}
}

func revealed(secrets map[string]config.Secret) map[string]string {
	out := make(map[string]string, len(secrets))
	for name, secret := range secrets {
		out[name] = secret.Reveal()
	}
	return out
}

// start connects to every server, each on its own. It does not wait for any.
func (m *mounts) start(ctx context.Context) {
	ctx, m.stop = context.WithCancel(context.WithoutCancel(ctx))
	for _, mount := range m.list {
		// Before any run goes on: to one, a tool that comes a moment later is not there. A
		// store that cannot be read is the mount's to say, and to ask again.
		_ = mount.Remember(ctx)
		m.running.Go(func() { mount.Run(ctx) })
	}
}

// close ends the connections, and the processes behind them. It comes after the
// doors are closed: calls under way still need their servers.
func (m *mounts) close(context.Context) error {
	if m.stop != nil {
		m.stop()
		m.running.Wait()
	}
	return nil
}

// quietly is how long somebody at a terminal waits for servers without being told.
const quietly = 2 * time.Second

// settled waits until every server has answered once, or could not be reached, or
// the time is up, and tells whoever waits on w what for. The error is ctx's: somebody
// does not want to wait.
func (m *mounts) settled(ctx context.Context, most time.Duration, w io.Writer) error {
	over, notice := time.NewTimer(most), time.NewTimer(quietly)
	defer over.Stop()
	defer notice.Stop()
	for i := 0; i < len(m.list); {
		select {
		case <-m.list[i].Settled():
			i++
		case <-notice.C:
			_, _ = fmt.Fprintf(w, "drawbridge: waiting for %s, up to %s in all\n", strings.Join(m.unsettled(), ", "), most)
		case <-over.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// unsettled names the servers that have not answered yet.
func (m *mounts) unsettled() []string {
	var names []string
	for _, mount := range m.list {
		select {
		case <-mount.Settled():
		default:
			s := mount.Status()
			names = append(names, s.Kind+" "+s.Name)
		}
	}
	return names
}

// withMounts gives the settings with no other servers than those that are wanted.
func withMounts(cfg *config.Config, wanted func(name string) bool) *config.Config {
	only := *cfg
	only.Tools.MCP = slices.DeleteFunc(slices.Clone(cfg.Tools.MCP), func(s config.MCPServer) bool { return !wanted(s.Name) })
	only.Tools.OpenAPI = slices.DeleteFunc(slices.Clone(cfg.Tools.OpenAPI), func(a config.OpenAPI) bool { return !wanted(a.Name) })
	return &only
}

// startTimeouts is how long to wait for the slowest server.
func startTimeouts(cfg *config.Config) time.Duration {
	var most time.Duration
	for _, server := range cfg.Tools.MCP {
		most = max(most, time.Duration(server.StartTimeout))
	}
	for _, api := range cfg.Tools.OpenAPI {
		most = max(most, time.Duration(api.StartTimeout))
	}
	return most + time.Second
}

// glance is a book for those who only look: it shows what was accepted and keeps
// nothing, so that looking at a server's tools does not accept them.
type glance struct{ store *state.Store }

func (g glance) Definitions(ctx context.Context, mount string) ([]mcpmount.Definition, error) {
	if g.store == nil {
		return nil, nil
	}
	return g.store.Definitions(ctx, mount)
}

func (glance) Keep(context.Context, string, []mcpmount.Definition, []string) error { return nil }
