package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"drawbridge/config"
)

// reloading reads the references of the settings anew when it is told to, and has what
// they give take effect where that is possible while the program runs. The settings
// themselves stay as they were at the start.
type reloading struct {
	app   *app
	known memory // what counts now
	read  func(ctx context.Context) config.Sources
}

// on reloads at each signal, until ctx ends.
func (r *reloading) on(signals <-chan os.Signal) func(ctx context.Context) {
	return func(ctx context.Context) {
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				r.reload(ctx)
			}
		}
	}
}

// reload reads all references once more. One that cannot be read, or whose value its
// setting cannot have, keeps the value that it had.
func (r *reloading) reload(ctx context.Context) {
	a := r.app
	if a.cfg.Changed() {
		a.log.Warn("the settings' file has changed; that takes effect at the next start, and only secrets are read anew now")
	}
	old, read := a.secrets.Load(), memory{}
	next, err := a.cfg.Again(read.noting(r.keeping(r.read(ctx))))
	var problems config.Problems
	if errors.As(err, &problems) {
		for _, problem := range problems {
			a.log.Error("a secret that was read anew is of no use; the old one counts", "setting", problem.Path, "err", problem.String())
		}
		read = r.without(read, problems)
		next, err = a.cfg.Again(read.recalling(r.read(ctx)))
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		a.log.Error("secrets were read anew and cannot be used together; the old ones count", "err", err)
		return
	}
	changed := old.Differences(next)
	later, err := a.renew(next, changed)
	if err != nil {
		a.log.Error("secrets were read anew and not all could take effect; the others count", "err", err)
	}
	if len(later) > 0 {
		a.log.Warn("secrets have changed that take effect at the next start", "settings", strings.Join(later, ", "))
	}
	r.known = read
	a.log.Info("read the secrets anew", "changed", len(changed), "settings", strings.Join(changed, ", "))
}

// keeping gives the old value for references that cannot be read.
func (r *reloading) keeping(from config.Sources) config.Sources {
	read := from.Read
	from.Read = func(setting, kind, argument string) (config.Value, error) {
		old := r.known[placed(setting, kind, argument)]
		value, err := read(setting, kind, argument)
		if err != nil {
			r.app.log.Error("a secret cannot be read anew; the old one counts", "setting", setting, "reference", fmt.Sprintf("${%s:%s}", kind, argument), "err", err)
			return old, nil
		}
		return value, nil
	}
	return from
}

// without is what was read, but for settings with problems, which keep what they had.
func (r *reloading) without(read memory, problems config.Problems) memory {
	kept := maps.Clone(read)
	for place := range kept {
		setting, _, _ := strings.Cut(place, " ")
		for _, problem := range problems {
			if strings.HasPrefix(setting, problem.Path) || strings.HasPrefix(problem.Path, setting) {
				kept[place] = r.known[place]
			}
		}
	}
	return kept
}

// renew has secrets of the settings take effect that have changed, and names those that
// cannot while the program runs.
func (a *app) renew(next *config.Config, changed []string) (later []string, err error) {
	var problems []error
	done := map[string]bool{}
	for _, path := range changed {
		what, do := a.renewal(next, path)
		switch {
		case do == nil:
			later = append(later, path)
		case !done[what]:
			done[what] = true
			problems = append(problems, do())
		}
	}
	a.secrets.Store(next)
	if a.answers != nil && slices.ContainsFunc(changed, func(path string) bool { return strings.HasPrefix(path, "tools.") }) {
		a.answers.Drop() // what the old credentials were shown
	}
	return later, errors.Join(problems...)
}

// renewal is how the secret at path takes effect, and what else does by that; nil if it
// needs a start.
func (a *app) renewal(next *config.Config, path string) (what string, do func() error) {
	section, rest, _ := strings.Cut(path, ".")
	switch {
	case section == "webhooks" && !strings.Contains(rest, ".callback.") && (strings.Contains(rest, ".secrets[") || strings.HasSuffix(rest, ".verify_token")):
		name := next.WebhookAt(path)
		return "webhook " + name, func() error { return a.renewSource(name, next.Webhooks[name]) }
	case strings.HasPrefix(path, "server.keys[") && strings.HasSuffix(path, "].key"):
		return "keys", func() error { return a.keys.Renew(apiKeys(next)) }
	case path == "model.api_key" || section == "models" && strings.HasSuffix(path, ".api_key"):
		return "models", func() error { a.model.models.SetKeys(modelSettings(next)); return nil }
	case section == "callbacks" && strings.Contains(rest, "secrets["),
		(section == "webhooks" || section == "schedules") && strings.Contains(rest, "callback.secret"):
		return "callbacks", func() error { return a.resign(next) }
	case path == "cache.redis.password" && a.redis != nil:
		return "cache", func() error { a.redis.SetPassword(next.Cache.Redis.Password.Reveal()); return nil }
	case path == "approvals.notify.webhook.secret":
		return "notices", func() error { return nil } // they look at a.secrets
	case path == "tools.email.smtp.password" && next.Tools.Email.SMTP != nil:
		return "mail", func() error { a.backends.smtp.SetPassword(next.Tools.Email.SMTP.Password.Reveal()); return nil }
	case path == "tools.email.imap.password" && next.Tools.Email.IMAP != nil:
		return "mailbox", func() error { a.backends.imap.SetPassword(next.Tools.Email.IMAP.Password.Reveal()); return nil }
	case (path == "tools.shop.token" || path == "tools.shop.client_secret") && a.backends.shopify != nil:
		return "shop", func() error {
			a.backends.shopify.SetCredentials(next.Tools.Shop.Token.Reveal(), next.Tools.Shop.ClientSecret.Reveal())
			return nil
		}
	case path == "tools.payment.key" && a.backends.stripe != nil:
		return "payment", func() error { return a.backends.stripe.SetKey(next.Tools.Payment.Key.Reveal()) }
	case strings.HasPrefix(path, "tools.mcp["), strings.HasPrefix(path, "tools.openapi["):
		return a.mounts.renewal(next, path)
	case path == "approvals.notify.slack.signing_secret" && next.Approvals.Notify.Slack != nil:
		return "buttons in Slack", func() error { return a.renewDesk(*next.Approvals.Notify.Slack) }
	case path == "tools.crm.hubspot.token" && next.Tools.CRM.HubSpot != nil:
		return "crm", func() error { a.backends.setCRMToken(next.Tools.CRM.HubSpot.Token.Reveal()); return nil }
	case (path == "tools.crm.salesforce.client_secret" || path == "tools.crm.salesforce.private_key") && next.Tools.CRM.Salesforce != nil:
		return "crm", func() error { return a.backends.setSalesforce(*next.Tools.CRM.Salesforce) }
	case path == "tools.notify.token" && next.Tools.Notify.Backend == "slack":
		return "notify", func() error { return a.backends.slack.SetToken(next.Tools.Notify.Token.Reveal()) }
	}
	return "", nil
}

func (a *app) renewSource(name string, hook config.Webhook) error {
	source, err := sourceOf(name, hook, a.log)
	if err != nil {
		return err
	}
	return a.intake.Renew(name, source.Verifier)
}

func (a *app) renewDesk(s config.ApprovalSlack) error {
	verifier, err := slackVerifier(s)
	if err == nil {
		a.desk.Trust(verifier)
	}
	return err
}

func (a *app) resign(next *config.Config) error {
	settings, err := workSettings(next, a.model)
	if err == nil {
		a.worker.Resign(settings)
	}
	return err
}
