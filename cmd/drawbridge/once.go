package main

import (
	"context"
	"log/slog"
	"time"

	"drawbridge/server/dispatch"
)

// leading is a store that says who does something for all processes that use it.
type leading interface {
	Lead(ctx context.Context, task string, lease time.Duration) (bool, error)
	StepDown(ctx context.Context, task string) error
}

// onOneNode gives a task that goes on in one process at a time, of all that work from the
// store: another takes it up when this one is gone, or was stopped for longer than its
// lease. It has to stand two that overlap for a moment: what it does is in transactions.
func onOneNode(store leading, task string, do func(ctx context.Context), log *slog.Logger) func(ctx context.Context) {
	return func(ctx context.Context) {
		for ctx.Err() == nil {
			if lead(ctx, store, task, log) {
				doWhileLeading(ctx, store, task, do, log)
			}
			sleep(ctx, dispatch.RenewEvery)
		}
	}
}

// lead asks to be the one. An error is a no: the store is away.
func lead(ctx context.Context, store leading, task string, log *slog.Logger) bool {
	asking, cancel := context.WithTimeout(ctx, dispatch.LeaseFor-dispatch.RenewEvery)
	defer cancel()
	leads, err := store.Lead(asking, task, dispatch.LeaseFor)
	if err != nil && ctx.Err() == nil {
		log.Error("asking who does what is done once", "task", task, "err", err)
	}
	return leads && err == nil
}

// doWhileLeading does the task until ctx ends, or another process has it.
func doWhileLeading(ctx context.Context, store leading, task string, do func(ctx context.Context), log *slog.Logger) {
	doing, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(doing)
	}()
	sure := time.Now()
	for doing.Err() == nil {
		sleep(doing, dispatch.RenewEvery)
		switch asked := time.Now(); {
		case doing.Err() != nil:
		case lead(ctx, store, task, log):
			sure = asked
		case time.Since(sure) >= dispatch.LeaseFor:
			log.Warn("leaving to another node what is done once", "task", task)
			stop()
		}
	}
	stop()
	<-done
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = store.StepDown(leaving, task) // else its lease runs out
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
