package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/server/webhook"
)

// trial is what `webhook test` was asked.
type trial struct {
	source     string
	body       string
	url        string
	event      string
	privateKey string
}

func webhookTestCommand(c *console) *cobra.Command {
	var t trial
	cmd := &cobra.Command{
		Use:   "test SOURCE",
		Short: "Sign a sample delivery with a source's secret, and send it to the running server",
		Long: `Signs a delivery as the senders of the source do, with the first of its secrets that has not
ended, posts it to the server that runs with this configuration, and says what was answered and
where to look next. Exit code 0: it was taken.

Each trial is a new event; --event names one, so that a second trial with it is a duplicate.
Where senders sign with a private key (sendgrid, and standard with whpk_) the configuration has
the public one only: --private-key names a file with the private one of a pair made for trying
it out.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t.source = args[0]
			return t.run(c, cmd)
		},
	}
	f := cmd.Flags()
	f.StringVar(&t.body, "body", "", "a file with the body to send, - for standard input (default: a sample of the scheme's)")
	f.StringVar(&t.url, "url", "", "where the server is (default: its listen address)")
	f.StringVar(&t.event, "event", "", "the event's id (default: a new one)")
	f.StringVar(&t.privateKey, "private-key", "", "a file with the private key to sign with")
	return cmd
}

// eventForm keeps an id fit for a header and for JSON.
var eventForm = regexp.MustCompile(`^[A-Za-z0-9_:-]{1,100}$`)

func (t *trial) run(c *console, cmd *cobra.Command) error {
	cfg, err := c.settings(cmd)
	if err != nil {
		return err
	}
	hook, err := hookNamed(cfg, t.source)
	if err != nil {
		return err
	}
	if t.event == "" {
		t.event = "test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	}
	if !eventForm.MatchString(t.event) {
		return wrongUse{errors.New("--event: want 1 to 100 letters, digits, _, : and -")}
	}
	now := time.Now()
	secret, shown, err := t.secret(hook, now)
	if err != nil {
		return err
	}
	req, err := t.request(c, cfg, hook, secret, now)
	if err != nil {
		return err
	}
	out := &lines{w: c.out}
	out.printf("POST %s, event %s, as scheme %s, %s", t.shownURL(req.URL, secret), t.event, hook.Scheme, shown)
	return t.send(cmd.Context(), out, hook, req, ownTLS(cfg))
}

// secret is what the trial is signed with, and how to call it.
func (t *trial) secret(hook config.Webhook, now time.Time) (secret, shown string, err error) {
	if t.privateKey != "" {
		raw, err := os.ReadFile(t.privateKey)
		if err != nil {
			return "", "", wrongUse{fmt.Errorf("reading the private key: %w", err)}
		}
		return strings.TrimSpace(string(raw)), "signed with the private key", nil
	}
	if hook.Scheme == webhook.UnsafeNone {
		return "", "unsigned", nil
	}
	live, ok := liveSecret(secretsOf(hook), now)
	if !ok {
		return "", "", fmt.Errorf("every secret of webhook %q has ended; nothing that is signed with them is taken", t.source)
	}
	if webhook.IsPublic(hook.Scheme, live.Value) {
		return "", "", wrongUse{fmt.Errorf("webhook %q has its sender's public key, which verifies and cannot sign; "+
			"make a pair of keys for trying it out, add its public key to secrets, and give --private-key", t.source)}
	}
	return live.Value, "with its first live secret", nil
}

func (t *trial) request(c *console, cfg *config.Config, hook config.Webhook, secret string, now time.Time) (*http.Request, error) {
	contentType, header, body := webhook.Sample(hook.Scheme, t.event, now, schemeOptions(hook))
	if t.body != "" {
		var err error
		if body, err = t.readBody(c); err != nil {
			return nil, err
		}
	}
	target := "/webhooks/" + t.source
	if hook.Scheme == webhook.Salesforce {
		target += "/" + secret
	}
	out := webhook.Outgoing{ID: t.event, At: now, Method: http.MethodPost, ContentType: contentType, Body: body}
	if cfg.Server.PublicURL != "" {
		out.URL = strings.TrimSuffix(cfg.Server.PublicURL, "/") + target
	}
	signed, err := webhook.Sign(hook.Scheme, secret, out, schemeOptions(hook))
	if err != nil {
		return nil, wrongUse{err}
	}
	base, err := t.base(cfg)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, base+target, bytes.NewReader(body))
	if err != nil {
		return nil, wrongUse{fmt.Errorf("--url: %w", err)}
	}
	req.Header = signed
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "drawbridge-webhook-test")
	return req, nil
}

func (t *trial) readBody(c *console) ([]byte, error) {
	if t.body == "-" {
		return io.ReadAll(io.LimitReader(c.in, webhook.MaxMaxBody+1))
	}
	body, err := os.ReadFile(t.body)
	if err != nil {
		return nil, wrongUse{fmt.Errorf("reading the body: %w", err)}
	}
	return body, nil
}

// base is where the server is: on this machine, unless somebody says otherwise.
func (t *trial) base(cfg *config.Config) (string, error) {
	if t.url != "" {
		u, err := url.Parse(t.url)
		if err != nil || u.Host == "" || u.RawQuery != "" {
			return "", wrongUse{errors.New("--url is no address of a server, such as http://127.0.0.1:8080")}
		}
		return strings.TrimSuffix(t.url, "/"), nil
	}
	host, port, err := net.SplitHostPort(cfg.Server.Listen)
	if err != nil || port == "0" {
		return "", wrongUse{fmt.Errorf("server.listen %q does not say the port that was taken; give --url", cfg.Server.Listen)}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return ownScheme(cfg) + "://" + net.JoinHostPort(host, port), nil
}

// shownURL leaves a secret in the path out.
func (t *trial) shownURL(u *url.URL, secret string) string {
	if secret == "" {
		return u.String()
	}
	return strings.ReplaceAll(u.String(), secret, "TOKEN")
}

// maxAnswer bounds what is shown of an answer, in bytes.
const maxAnswer = 4 << 10

func (t *trial) send(ctx context.Context, out *lines, hook config.Webhook, req *http.Request, trusted *tls.Config) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	resp, err := (&http.Transport{TLSClientConfig: trusted}).RoundTrip(req.WithContext(ctx)) // which follows no redirect
	if err != nil {
		var broken *net.OpError
		if errors.As(err, &broken) {
			err = broken // without the address, which may hold a token
		}
		return fmt.Errorf("nobody answers: %w; `drawbridge serve` has to run with this configuration", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	out.printf("%s", resp.Status)
	out.printf("%s", printable(strings.TrimSpace(string(body))))
	out.printf("next: %s", t.next(hook, resp.StatusCode))
	if resp.StatusCode/100 != 2 {
		return errors.Join(out.err, errSilent)
	}
	return out.err
}

// next says where to look, by what was answered.
func (t *trial) next(hook config.Webhook, status int) string {
	switch {
	case status/100 == 2:
		return "drawbridge events list shows the event, and events show what became of it"
	case status == http.StatusUnauthorized, status == http.StatusBadRequest:
		return fmt.Sprintf("drawbridge events rejected --source %s says why: a server that was started before the secrets changed has the old ones, and allow_ips may leave this machine out", t.source)
	case status == http.StatusNotFound:
		return "the server knows no such webhook; start it again if the configuration has changed"
	case status == http.StatusUnsupportedMediaType:
		return fmt.Sprintf("the source takes %s only (content_types)", strings.Join(hook.ContentTypes, ", "))
	case status == http.StatusRequestEntityTooLarge:
		return fmt.Sprintf("raise max_body, which is %s", hook.MaxBody)
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		return "the server takes no events right now; its log says why"
	}
	return "look at the server's log, and at what stands in front of it"
}
