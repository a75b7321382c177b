package config

import (
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Explain writes what a Drawbridge with these settings would do, for people. It
// shows no secret.
func (c *Config) Explain(w io.Writer) {
	c.explainServer(w)
	c.explainWork(w)
	c.explainGuard(w)
	c.explainKeys(w)
	c.explainAuth(w)
	c.explainChat(w)
	c.explainAgents(w)
	c.explainWebhooks(w)
	c.explainSchedules(w)
	c.explainApprovals(w)
}

func (c *Config) explainServer(w io.Writer) {
	if c.source == nil || c.source.file == "" {
		fmt.Fprintln(w, "There is no configuration file: every default applies.")
	} else {
		fmt.Fprintf(w, "Read from %s.\n", c.source.file)
	}
	reach := "from other machines too"
	if loopback(c.Server.Listen) {
		reach = "from this machine only"
	}
	fmt.Fprintf(w, "Listens on %s, %s. A stop waits %s for what is under way.\n", c.Server.Listen, reach, c.Server.DrainTimeout)
	fmt.Fprintf(w, "Serves tools at /mcp and /sse, agents at /v1/chat/completions (requests up to %s) and webhooks at /webhooks/{name}.\n", c.Server.MaxBody)
	c.explainProxies(w)
	if file := c.Store.Path(); file != "" {
		fmt.Fprintf(w, "Keeps its state in the SQLite file %s.%s\n", file, c.Store.room())
	} else {
		fmt.Fprintf(w, "Keeps its state in the PostgreSQL database %s, which other nodes may share.\n", c.Store.Place())
	}
}

func (c *Config) explainWork(w io.Writer) {
	c.explainModel(w)
	fmt.Fprintf(w, "Works on %d runs of events and sends %d callbacks at a time. Logs %s and above, as %s.\n",
		c.Workers.Runs, c.Workers.Callbacks, c.Log.Level, c.Log.Format)
	c.explainCallbacks(w)
	c.explainEgress(w)
	c.explainRetention(w)
	families := [][]string{
		{"crm", c.Tools.CRM.Backend, c.explainCRM()},
		{"payment", c.Tools.Payment.Backend, c.explainPayment()},
		{"email", c.Tools.Email.Backend, c.explainEmail()},
	}
	if c.Tools.Shop.Backend != "" {
		families = append(families, []string{"shop", c.Tools.Shop.Backend, c.explainShop()})
	}
	if n := c.Tools.Notify; n.Backend != "" {
		families = append(families, []string{"notify", n.Backend, c.explainNotify()})
	}
	table(w, "Tools", []string{"family", "backend", ""}, families)
	c.explainMCPServers(w)
	c.explainOpenAPIs(w)
	c.explainModels(w)
	c.explainPrices(w)
}

// explainEgress says what may be called that is not public.
func (c *Config) explainEgress(w io.Writer) {
	e := c.Egress
	if ranges := append(slices.Clone(e.AllowHosts), e.AllowCIDRs...); len(ranges) > 0 {
		fmt.Fprintf(w, "May call hosts inside: %s.\n", strings.Join(ranges, ", "))
	}
	if len(e.Ports) > 0 {
		fmt.Fprintf(w, "May call ports %s besides 80 and 443.\n", strings.Trim(fmt.Sprint(e.Ports), "[]"))
	}
	if u := e.ProxyURL(); u != nil {
		fmt.Fprintf(w, "Calls the outside by way of %s://%s, which looks names up by itself.\n", u.Scheme, u.Host)
	}
}

func (c *Config) explainMCPServers(w io.Writer) {
	if len(c.Tools.MCP) == 0 {
		return
	}
	var rows [][]string
	for i, server := range c.Tools.MCP {
		// Not the command's arguments: people put secrets there.
		reach := c.publicPartAt(item("tools.mcp", i)+".url", server.URL)
		if len(server.Command) > 0 {
			reach = "runs " + server.Command[0]
		}
		offers := strings.Join(server.Include, " ")
		if offers == "" {
			offers = "*"
		}
		trusted := strings.Join(server.Trust, ", ")
		if trusted == "" {
			trusted = "nothing"
		}
		rows = append(rows, []string{server.Name + "__", offers, reach, trusted})
	}
	table(w, "MCP servers", []string{"prefix", "offers", "reached by", "trusted with"}, rows)
}

func (c *Config) explainKeys(w io.Writer) {
	if len(c.Server.Keys) == 0 && len(c.Auth.JWT)+len(c.Auth.Certificates) > 0 {
		fmt.Fprintln(w, "\nThere are no API keys here; those made with `drawbridge keys create` are in the store.")
		return
	}
	if len(c.Server.Keys) == 0 {
		fmt.Fprintf(w, "\nThere are no API keys: whoever can connect may call every tool with effects %s and talk to every agent (%s).\n",
			effectWords(c.Server.Local), rates(c.Chat.RequestsPerMinute, c.Chat.Concurrent))
		return
	}
	var rows [][]string
	for _, key := range c.Server.Keys {
		agents := strings.Join(key.Agents, " ")
		if agents == "" {
			agents = "nobody"
		}
		rows = append(rows, []string{key.Name, strings.Join(key.Tools, " "), effectWords(key.Effects), agents, rates(key.RequestsPerMinute, key.Concurrent)})
	}
	table(w, "API keys", []string{"name", "may call", "with effects", "may talk to", "at most"}, rows)
}

// rates says how many requests there may be.
func rates(perMinute, concurrent int) string {
	var parts []string
	if perMinute > 0 {
		parts = append(parts, fmt.Sprintf("%d requests a minute", perMinute))
	}
	if concurrent > 0 {
		parts = append(parts, fmt.Sprintf("%d at a time", concurrent))
	}
	if len(parts) == 0 {
		return "any number of requests"
	}
	return strings.Join(parts, ", ")
}

func (c *Config) explainWebhooks(w io.Writer) {
	if len(c.Webhooks) == 0 {
		fmt.Fprintln(w, "\nThere are no webhooks.")
		return
	}
	fmt.Fprintln(w, "\nWebhooks")
	for _, name := range slices.Sorted(maps.Keys(c.Webhooks)) {
		c.explainWebhook(w, name, c.Webhooks[name])
	}
}

func (c *Config) explainWebhook(w io.Writer, name string, hook Webhook) {
	if hook.FromMail() {
		folder, poll := hook.Watched()
		fmt.Fprintf(w, "  Mail %s\n    each new message in folder %s of %s, told of or looked for every %s\n", name, folder, c.mailServer(), Duration(poll))
		c.explainIntake(w, name, hook)
		c.explainKept(w, hook)
		c.explainRoutes(w, name, hook)
		return
	}
	token := ""
	if hook.Scheme == salesforce {
		token = "/TOKEN"
	}
	fmt.Fprintf(w, "  POST %s/webhooks/%s%s\n", strings.TrimSuffix(c.Server.PublicURL, "/"), name, token)
	fmt.Fprintf(w, "    %s, up to %s\n", hook.trust(), hook.MaxBody)
	c.explainIntake(w, name, hook)
	c.explainKept(w, hook)
	c.explainRoutes(w, name, hook)
}

func (c *Config) mailServer() string {
	if c.Tools.Email.IMAP == nil {
		return "no mail server"
	}
	return c.Tools.Email.IMAP.Address
}

func secrets(list []WebhookSecret) string {
	text := fmt.Sprintf("one of %d secrets", len(list))
	if len(list) == 1 {
		text = "1 secret"
	}
	for i, secret := range list {
		if !secret.NotAfter.IsZero() {
			text += fmt.Sprintf(" (number %d until %s)", i+1, secret.NotAfter.Format(time.RFC3339))
		}
	}
	return text
}

// publicPart is a URL without what may be secret in it: user, password and query.
func publicPart(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return redacted
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return shown.String()
}

// publicPartAt is that of the URL at path. If a variable is part of it, its path may be
// as secret as its query: then only the host is shown.
func (c *Config) publicPartAt(path, text string) string {
	u, err := url.Parse(text)
	if err != nil || c.asWritten(path, text) == text || strings.Trim(u.Path, "/") == "" {
		return publicPart(text)
	}
	return publicPart(u.Scheme+"://"+u.Host) + "/…"
}

func table(w io.Writer, title string, heads []string, rows [][]string) {
	fmt.Fprintf(w, "\n%s\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.StripEscape)
	for _, row := range append([][]string{heads}, rows...) {
		fmt.Fprintln(t, "  "+strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	t.Flush()
}
