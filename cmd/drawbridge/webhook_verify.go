package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/server/webhook"
)

// verification is what `webhook verify` was asked.
type verification struct {
	scheme     string
	secrets    []string
	secretEnvs []string
	source     string
	url        string
	at         int64
	request    string
	flags      schemeFlags
	unseen     []string // what else the source asks for, and no file shows
}

func webhookVerifyCommand(c *console) *cobra.Command {
	var v verification
	cmd := &cobra.Command{
		Use:   "verify --scheme SCHEME --secret SECRET --request FILE",
		Short: "Check a request as the endpoint would, and explain each step",
		Long: `Checks one request as the endpoint of a source would at that time, and says of each step what
was found. Exit code 0: it verifies; 1: it does not; 2: wrong use.

FILE is the raw request: the request line, the headers, a blank line, and the bytes of the
body, each of which counts. The lines of the head may end in CRLF or in LF. - is standard input.

The secret is the public key where the sender has a private one (sendgrid, and standard with
whpk_). Others on this machine can see a command's line: --secret-env takes the name of an
environment variable instead. Both may be repeated, as in a rotation.

With --source, scheme, secrets and the public URL are those of the configuration. Of hubspot and
twilio, and of a GET that asks whether an address is ours, the address matters: --url is
server.public_url, or the whole address that the sender called.

A delivery that is genuine and lacks its id verifies; the last line says what the endpoint
answers.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return v.run(c, cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&v.scheme, "scheme", "", "how the sender signs: "+strings.Join(webhook.Schemes(), ", "))
	f.StringArrayVar(&v.secrets, "secret", nil, "a secret, or a public key (can be seen by others on this machine)")
	f.StringArrayVar(&v.secretEnvs, "secret-env", nil, "the environment variable that holds one")
	f.StringVar(&v.source, "source", "", "the webhook of the configuration to take all these from")
	f.StringVar(&v.url, "url", "", "server.public_url, or the whole address that the sender called")
	f.Int64Var(&v.at, "at", 0, "when the request arrived, in unix seconds (default: now)")
	f.StringVar(&v.request, "request", "", "the file with the request, - for standard input")
	v.flags.add(f)
	return cmd
}

func (v *verification) run(c *console, cmd *cobra.Command) error {
	secrets, o, err := v.settings(c, cmd)
	if err != nil {
		return err
	}
	capture, err := v.read(c)
	if err != nil {
		return err
	}
	d := webhook.Delivery{Source: v.source, Method: capture.Method, Token: capture.Token(), Header: capture.Header, Body: capture.Body, ArrivedAt: time.Now()}
	if cmd.Flags().Changed("at") {
		d.ArrivedAt = time.Unix(v.at, 0)
	}
	account, err := v.explain(secrets, o, d, capture)
	var secret *webhook.SecretError
	switch {
	case errors.As(err, &secret):
	case errors.Is(err, webhook.ErrNoURL):
		return wrongUse{fmt.Errorf("%w; give --url", err)}
	case err != nil:
		return wrongUse{err}
	}
	out := &lines{w: c.out}
	out.printf("%s %s, headers: %d, bytes of body: %d", printable(capture.Method), oneLine(withoutToken(v.scheme, capture), 200), len(capture.Header), len(capture.Body))
	out.printf("judged by scheme %s as of %s", v.scheme, when(d.ArrivedAt))
	for _, note := range append(capture.Notes, v.unseen...) {
		out.printf("  note  request    %s", note)
	}
	if secret != nil {
		out.printf("  FAIL  secrets    %v", secret)
		out.printf("not verified: an endpoint with this secret does not start")
		return errors.Join(out.err, errSilent)
	}
	for _, step := range account.Steps {
		out.printf("  %s  %-9s  %s", mark(step.Outcome), step.Check, oneLine(step.Text, 400))
	}
	return v.conclude(out, account, capture)
}

// conclude says what it comes to. A body that is not as long as its headers say is
// not what was sent, whatever else holds.
func (v *verification) conclude(out *lines, account webhook.Account, capture webhook.Capture) error {
	answer := fmt.Sprintf("%d %s", account.Status, http.StatusText(account.Status))
	switch {
	case capture.Cut:
		out.printf("not verified: the file does not hold the body that its Content-Length announces")
	case !account.Genuine:
		out.printf("not verified: the endpoint answers %s", answer)
	case account.Status != http.StatusOK:
		out.printf("verified, and yet the endpoint answers %s", answer)
		return out.err
	default:
		out.printf("verified: the endpoint answers %s", answer)
		return out.err
	}
	return errors.Join(out.err, errSilent)
}

// settings are those of the flags, or of a source of the configuration.
func (v *verification) settings(c *console, cmd *cobra.Command) ([]webhook.Secret, webhook.SchemeOptions, error) {
	var secrets []webhook.Secret
	o, err := v.flags.options()
	if err != nil {
		return nil, o, err
	}
	for _, secret := range v.secrets {
		secrets = append(secrets, webhook.Secret{Value: secret})
	}
	for _, name := range v.secretEnvs {
		secret, ok := c.lookup(name)
		if !ok {
			return nil, o, wrongUse{fmt.Errorf("--secret-env: there is no environment variable %s", name)}
		}
		secrets = append(secrets, webhook.Secret{Value: secret})
	}
	o.NoVerification = true
	if v.source != "" {
		if v.scheme != "" || len(secrets) > 0 {
			return nil, o, wrongUse{errors.New("--source takes scheme and secrets from the configuration; leave --scheme, --secret and --secret-env out")}
		}
		return v.fromConfiguration(c, cmd)
	}
	if v.scheme == "" {
		return nil, o, wrongUse{errors.New("--scheme or --source has to say how the sender signs")}
	}
	if len(secrets) == 0 && v.scheme != webhook.UnsafeNone {
		return nil, o, wrongUse{errors.New("--secret, --secret-env or --source has to give a secret")}
	}
	for _, secret := range secrets {
		if secret.Value == "" {
			return nil, o, wrongUse{errors.New("the secret is empty; anybody could sign with that")}
		}
	}
	return secrets, o, nil
}

func (v *verification) fromConfiguration(c *console, cmd *cobra.Command) ([]webhook.Secret, webhook.SchemeOptions, error) {
	cfg, err := c.settings(cmd)
	if err != nil {
		return nil, webhook.SchemeOptions{}, err
	}
	hook, err := hookNamed(cfg, v.source)
	if err != nil {
		return nil, webhook.SchemeOptions{}, err
	}
	v.scheme = hook.Scheme
	if hook.ClientCA != "" {
		v.unseen = append(v.unseen, "the source asks for a client certificate as well (client_ca), which no file shows")
	}
	if len(hook.AllowIPs) > 0 {
		v.unseen = append(v.unseen, "the source asks where deliveries come from as well (allow_ips), which no file shows")
	}
	if v.url == "" {
		v.url = cfg.Server.PublicURL
	}
	return secretsOf(hook), schemeOptions(hook), nil
}

// maxRequest bounds the file, in bytes: no endpoint takes more.
const maxRequest = webhook.MaxMaxBody + 1<<20

func (v *verification) read(c *console) (webhook.Capture, error) {
	if v.request == "" {
		return webhook.Capture{}, wrongUse{errors.New("--request has to name the file with the request")}
	}
	in := c.in
	if v.request != "-" {
		file, err := os.Open(v.request)
		if err != nil {
			return webhook.Capture{}, wrongUse{fmt.Errorf("reading the request: %w", err)}
		}
		defer file.Close()
		in = file
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxRequest+1))
	switch {
	case err != nil:
		return webhook.Capture{}, fmt.Errorf("reading the request: %w", err)
	case len(raw) > maxRequest:
		return webhook.Capture{}, wrongUse{fmt.Errorf("the request is above %d bytes, which no endpoint takes", maxRequest)}
	}
	capture, err := webhook.ReadCapture(raw)
	if err != nil {
		return webhook.Capture{}, wrongUse{fmt.Errorf("reading the request %q: %w", v.request, err)}
	}
	return capture, nil
}

// explain judges the delivery. An address with a path is taken for the whole that was
// called, and if that does not verify, for the beginning of it.
func (v *verification) explain(secrets []webhook.Secret, o webhook.SchemeOptions, d webhook.Delivery, capture webhook.Capture) (webhook.Account, error) {
	addresses, err := v.addresses(capture)
	if err != nil {
		return webhook.Account{}, err
	}
	var account webhook.Account
	for _, d.URL = range addresses {
		account, err = webhook.Explain(v.scheme, secrets, o, d)
		if err != nil || account.Genuine {
			break
		}
	}
	return account, err
}

func (v *verification) addresses(capture webhook.Capture) ([]string, error) {
	if v.url == "" {
		if webhook.AsksByGet(v.scheme) && capture.Method == http.MethodGet {
			return []string{"http://localhost" + capture.Target}, nil // only its query counts
		}
		return []string{""}, nil
	}
	u, err := url.Parse(v.url)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, wrongUse{errors.New("--url is no address that begins with http:// or https://")}
	}
	below := strings.TrimSuffix(v.url, "/") + capture.Target
	if u.Path == "" || u.Path == "/" {
		return []string{below}, nil
	}
	if u.RawQuery != "" || v.source == "" {
		return []string{v.url, below}, nil
	}
	return []string{below}, nil
}

// shownToken is a secret in a query: Meta's, when it asks whether the address is ours.
var shownToken = regexp.MustCompile(`(hub\.verify_token=)[^&]*`)

// withoutToken is the target as it may be shown.
func withoutToken(scheme string, capture webhook.Capture) string {
	target := shownToken.ReplaceAllString(capture.Target, "${1}TOKEN")
	if token := capture.Token(); scheme == webhook.Salesforce && token != "" && token != "/" {
		target = strings.ReplaceAll(target, token, "TOKEN")
	}
	return target
}

func mark(o webhook.Outcome) string {
	return map[webhook.Outcome]string{webhook.Noted: "    ", webhook.Passed: "ok  ", webhook.Failed: "FAIL"}[o]
}
