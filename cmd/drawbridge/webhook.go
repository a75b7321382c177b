package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"drawbridge/config"
	"drawbridge/server/webhook"
)

func webhookCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhook",
		Short: "Try a webhook source out, and find out why a delivery does not verify",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(webhookTestCommand(c), webhookVerifyCommand(c))
	return cmd
}

// hookNamed is a source of the configuration.
func hookNamed(cfg *config.Config, name string) (config.Webhook, error) {
	hook, ok := cfg.Webhooks[name]
	if !ok {
		return config.Webhook{}, wrongUse{fmt.Errorf("the configuration has no webhook %q; `drawbridge check` lists them", name)}
	}
	if hook.FromMail() {
		return config.Webhook{}, wrongUse{fmt.Errorf("%q is a mailbox that is watched: there are no deliveries to try out or to verify; send it a mail", name)}
	}
	return hook, nil
}

// schemeFlags are the settings that belong to schemes, by the names they have in the
// configuration.
type schemeFlags struct {
	o             webhook.SchemeOptions
	timestampUnit string
}

func (s *schemeFlags) add(flags *pflag.FlagSet) {
	flags.DurationVar(&s.o.Tolerance, "tolerance", 0, "how far the signed time may be from the arrival (5m)")
	flags.StringVar(&s.o.SignatureHeader, "header", "", "hmac, token: the header that holds the signature or the token")
	flags.StringVar(&s.o.Prefix, "prefix", "", "hmac, token: what stands before it")
	flags.StringVar(&s.o.IDHeader, "id-header", "", "hmac, token, unsafe_none: the header that identifies the delivery")
	flags.StringVar(&s.o.Encoding, "encoding", "", "hmac: of the signature, hex or base64")
	flags.StringVar(&s.o.TimestampHeader, "timestamp-header", "", "hmac: the header that holds the time")
	flags.StringVar(&s.timestampUnit, "timestamp-unit", "s", "hmac: s or ms")
	flags.StringVar(&s.o.Hash, "hash", "", "hmac: sha256, sha512 or sha1")
	flags.StringVar(&s.o.Signed, "signed", "", "hmac: what is signed, such as {timestamp}.{body}")
	flags.StringVar(&s.o.KeyEncoding, "secret-encoding", "", "hmac: text, hex or base64")
	flags.StringSliceVar(&s.o.Versions, "versions", nil, "hubspot: the signatures that count, of v3, v2 and v1")
	flags.StringVar(&s.o.VerifyToken, "verify-token", "", "meta: what is shown when the address is registered")
	flags.StringVar(&s.o.Organization, "organization", "", "salesforce: the organization that may deliver")
}

func (s *schemeFlags) options() (webhook.SchemeOptions, error) {
	switch s.timestampUnit {
	case "s":
	case "ms":
		s.o.Milliseconds = true
	default:
		return s.o, wrongUse{fmt.Errorf("--timestamp-unit %q is neither s nor ms", s.timestampUnit)}
	}
	return s.o, nil
}

// liveSecret is the first secret of a source that has not ended.
func liveSecret(secrets []webhook.Secret, now time.Time) (webhook.Secret, bool) {
	for _, secret := range secrets {
		if secret.NotAfter.IsZero() || !now.After(secret.NotAfter) {
			return secret, true
		}
	}
	return webhook.Secret{}, false
}
