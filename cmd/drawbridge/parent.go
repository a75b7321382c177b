package main

import (
	"context"
	"log/slog"
	"os"
	"time"
)

// parentLook is how often it is looked whether the parent is still there.
const parentLook = time.Second

// withParent gives a context that ends when the process that started this one has. Its
// death closes the pipes too, unless somebody else holds them: another child that
// inherited them, say, and that would keep a server for nobody alive.
//
// No system but Linux tells a child of it, and Linux tells of the thread that started it,
// which may end before its process. But on Unix an orphan gets another parent, and that can be
// seen everywhere. On Windows it keeps the number of the old one, so there the end of the
// input is all there is.
//
// A process whose parent was gone before this looks for the first time cannot be told from
// one that was started by whoever adopted it.
func withParent(ctx context.Context, log *slog.Logger) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(ctx)
	parent := os.Getppid()
	go func() {
		look := time.NewTicker(parentLook)
		defer look.Stop()
		for os.Getppid() == parent {
			select {
			case <-look.C:
			case <-ctx.Done():
				return
			}
		}
		log.Info("the process that started this one is gone", "parent", parent)
		stop()
	}()
	return ctx, stop
}
