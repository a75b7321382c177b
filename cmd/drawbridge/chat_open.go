package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/store/sqlite"
	"drawbridge/tools"
)

// keyVariable holds the API key for --url when --key does not.
const keyVariable = "DRAWBRIDGE_KEY"

// openDoor finds whom to talk to: the server of --url, the process that serves from
// the configured store, or else an app of our own.
func (c *console) openDoor(ctx context.Context, cmd *cobra.Command, o chatOptions) (*chatClient, error) {
	if o.url != "" {
		return c.doorAt(ctx, o)
	}
	cfg, err := c.settings(cmd)
	if err != nil {
		return nil, err
	}
	if o.agent, err = pickAgent(cfg, o.agent); err != nil {
		return nil, err
	}
	own, err := c.ownDoor(ctx, cfg, o.agent)
	var locked *sqlite.LockedError
	if errors.As(err, &locked) {
		return doorBeside(cfg, o)
	}
	if err == nil && o.key != "" {
		return nil, errors.Join(wrongUse{errors.New("--key is for a server, and none serves from this store; give --url, or leave it out")}, own.close())
	}
	return own, err
}

func nothingToClose() error { return nil }

// doorAt is that of a Drawbridge anywhere.
func (c *console) doorAt(ctx context.Context, o chatOptions) (*chatClient, error) {
	u, err := url.Parse(o.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, wrongUse{fmt.Errorf("--url: want an address such as https://bridge.example.com")}
	}
	base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimRight(o.url, "/"), "/v1"), "/")
	d := &chatClient{base: base, key: o.key, agent: o.agent, where: u.Host, http: &http.Client{}, close: nothingToClose}
	if d.key == "" {
		d.key, _ = c.lookup(keyVariable)
	}
	agents, err := d.agents(ctx)
	switch {
	case err != nil:
		return nil, err
	case d.agent == "" && len(agents) == 1:
		d.agent = agents[0]
	case d.agent == "":
		return nil, wrongUse{fmt.Errorf("--agent is needed: there are %s", strings.Join(agents, ", "))}
	case !slices.Contains(agents, d.agent):
		return nil, wrongUse{fmt.Errorf("there is no agent %q at %s: there are %s", d.agent, d.where, strings.Join(agents, ", "))}
	}
	return d, nil
}

// doorBeside is that of the process that serves from the store.
func doorBeside(cfg *config.Config, o chatOptions) (*chatClient, error) {
	host, port, err := net.SplitHostPort(cfg.Server.Listen)
	if err != nil {
		return nil, err
	}
	if port == "0" {
		return nil, wrongUse{errors.New("another process serves from this store, on a port that the settings leave open (server.listen); give its address as --url")}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	key, err := keyFor(cfg, o)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(host, port)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: ownTLS(cfg)}}
	return &chatClient{base: ownScheme(cfg) + "://" + address, key: key, agent: o.agent, where: "the process serving on " + address, http: client, close: nothingToClose}, nil
}

// keyFor is the key to show to our own server: the first that may talk to the agent.
func keyFor(cfg *config.Config, o chatOptions) (string, error) {
	if o.key != "" || len(cfg.Server.Keys) == 0 {
		return o.key, nil
	}
	for _, key := range cfg.Server.Keys {
		if tools.Match(key.Agents, o.agent) {
			return key.Key.Reveal(), nil
		}
	}
	return "", wrongUse{fmt.Errorf("no key under server.keys may talk to agent %q", o.agent)}
}

// ownDoor starts an app for this conversation alone. It listens on no port: whoever
// else is on this machine has no way in.
func (c *console) ownDoor(ctx context.Context, cfg *config.Config, agent string) (*chatClient, error) {
	a, err := newApp(ctx, cfg, appOptions{Log: c.logger(config.Log{Level: "error", Format: cfg.Log.Format})})
	if err != nil {
		return nil, err
	}
	stop := func() error { return a.Stop(ctx) }
	if notice := a.model.notice(); notice != "" {
		_, _ = fmt.Fprintln(c.err, "drawbridge:", notice)
	}
	a.mounts.start(ctx)
	if err := a.mounts.settled(ctx, startTimeouts(cfg), c.err); err != nil {
		return nil, errors.Join(err, stop())
	}
	if err := c.warnOfMounts(a.mounts); err != nil {
		return nil, errors.Join(err, stop())
	}
	listener := newMemoryListener()
	serving := &http.Server{Handler: asTerminal(a.chat, cfg.Server.Local)}
	go func() { _ = serving.Serve(listener) }()
	a.cleanup(func(context.Context) error { return serving.Close() })
	a.WorkLive(ctx)
	client := &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
	return &chatClient{base: "http://127.0.0.1", agent: agent, where: "this process", http: client, close: stop}, nil
}

// asTerminal lets every request in as the person at the terminal, who may do all
// that the agent may.
func asTerminal(next http.Handler, effects []string) http.Handler {
	person := auth.Principal{Kind: auth.Local, Name: auth.DoorTerminal, Tools: []string{"*"}, Effects: effects, Agents: []string{"*"}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(auth.With(r.Context(), person)))
	})
}
