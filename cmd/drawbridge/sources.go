package main

import (
	"fmt"
	"log/slog"
	"time"

	"drawbridge/config"
	"drawbridge/server/webhook"
)

// sourceOf makes a webhook source from its settings.
func sourceOf(name string, hook config.Webhook, log *slog.Logger) (webhook.Source, error) {
	o := schemeOptions(hook)
	if hook.ClientCA != "" {
		roots, err := rootsOf(hook.ClientCA, "the authorities of webhook "+name, log)
		if err != nil {
			return webhook.Source{}, fmt.Errorf("preparing webhook %q: client_ca: %w", name, err)
		}
		o.ClientCAs = roots.get
	}
	verifier, err := webhook.NewVerifier(hook.Scheme, secretsOf(hook), o)
	if err != nil {
		return webhook.Source{}, fmt.Errorf("preparing webhook %q: %w", name, err)
	}
	return webhook.Source{Name: name, Verifier: verifier, MaxBody: int64(hook.MaxBody), Disabled: hook.Disabled,
		AllowIPs: config.Prefixes(hook.AllowIPs), ContentTypes: hook.ContentTypes, Rate: hook.Rate,
		DedupeFor: time.Duration(hook.DedupeFor), RerunIfFailed: hook.RerunIfFailed,
		Answer: webhook.Answer{Status: hook.Answer.Status, Body: hook.Answer.Body}}, nil
}

func secretsOf(hook config.Webhook) []webhook.Secret {
	secrets := make([]webhook.Secret, len(hook.Secrets))
	for i, secret := range hook.Secrets {
		secrets[i] = webhook.Secret{Value: secret.Secret.Reveal(), NotAfter: secret.NotAfter}
	}
	return secrets
}

func schemeOptions(hook config.Webhook) webhook.SchemeOptions {
	return webhook.SchemeOptions{Tolerance: time.Duration(hook.Tolerance), SignatureHeader: hook.Header, Encoding: hook.Encoding,
		Prefix: hook.Prefix, TimestampHeader: hook.TimestampHeader, IDHeader: hook.IDHeader, Milliseconds: hook.TimestampUnit == "ms",
		Hash: hook.Hash, Signed: hook.Signed, KeyEncoding: hook.SecretEncoding, Versions: hook.Versions,
		VerifyToken: hook.VerifyToken.Reveal(), Organization: hook.Organization, NoVerification: hook.UnsafeNoVerification,
		ClientNames: hook.ClientNames}
}
