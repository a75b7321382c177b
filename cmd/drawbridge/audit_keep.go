package main

import (
	"context"
	"errors"
	"time"

	"drawbridge/config"
	"drawbridge/server/audit"
	"drawbridge/server/dispatch"
)

// closingHead is how long a stop waits for the last head of the audit.
const closingHead = 5 * time.Second

// signAudit has the audit's heads signed, and one made right before the store is closed.
func (a *app) signAudit() error {
	if path := a.cfg.AuditKey(); path != "" {
		signer, err := audit.OpenSigner(path)
		if err != nil {
			return err
		}
		a.store.SignAudit(signer)
	} else {
		a.log.Warn("heads of the audit are not signed: who can write to the database can rewrite all of it unnoticed; set audit.key")
	}
	a.cleanup(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, closingHead)
		defer cancel()
		err := audit.NewKeeper(a.store, a.log).Pass(ctx)
		if errors.Is(err, dispatch.ErrAway) || ctx.Err() != nil {
			a.log.Warn("stopping without a last head of the audit: another node makes it, or the next start", "err", err)
			return nil
		}
		return err
	})
	return nil
}

// keepAudit chains rows and makes heads until ctx ends. Every process does: what one has
// done is no work for the others.
func (a *app) keepAudit(ctx context.Context) { audit.NewKeeper(a.store, a.log).Run(ctx) }

// ownKeys are the public keys that the settings lead to: none where there is no file yet.
func ownKeys(cfg *config.Config) []string {
	signer, err := audit.ReadSigner(cfg.AuditKey())
	if err != nil {
		return nil
	}
	return []string{signer.Public()}
}
