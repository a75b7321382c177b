package main

import (
	"context"
	"time"

	"drawbridge/config"
)

// noteUses is how often the last uses of keys go to the store.
const noteUses = 15 * time.Second

// loadKeys tells of the keys in the store.
func (a *app) loadKeys(ctx context.Context) error {
	keys, err := a.store.MadeKeys(ctx)
	if err != nil {
		return err
	}
	for _, name := range a.keys.SetMade(keys) {
		a.log.Warn("a key of the store does not count, because one of the settings has its name", "key", name)
	}
	return nil
}

// keepKeys follows what commands do to the keys in the store, and notes there when they
// were used, until ctx ends. While the store is away, what was known last counts.
func (a *app) keepKeys(ctx context.Context) {
	written, stop := a.store.Written()
	defer stop()
	uses := time.NewTicker(noteUses)
	defer uses.Stop()
	for {
		select {
		case <-ctx.Done():
			a.noteUses(context.WithoutCancel(ctx))
			return
		case <-uses.C:
			a.noteUses(ctx)
		case <-written:
			if err := a.loadKeys(ctx); err != nil && ctx.Err() == nil {
				a.log.Warn("the keys of the store cannot be read; those known last count", "err", err)
			}
		}
	}
}

func (a *app) noteUses(ctx context.Context) {
	used := a.keys.TakeUsed()
	if len(used) == 0 {
		return
	}
	if err := a.store.KeysUsed(ctx, used); err != nil {
		a.log.Warn("when keys were last used cannot be noted", "err", err)
	}
}

// mayBeReached refuses to listen where other machines can connect and nobody needs
// anything to call every tool.
func (a *app) mayBeReached() error {
	if a.keys.Configured() || a.cfg.Server.OnLoopback() {
		return nil
	}
	return config.Problems{a.cfg.Problem("server.listen",
		"%q can be reached from other machines and there are no API keys, so anybody could call every tool; make one with `drawbridge keys create NAME`, set server.keys, or listen on 127.0.0.1",
		a.cfg.Server.Listen)}
}
