package tools

import (
	"context"
	"sync/atomic"
)

// Fence tells whether a call is still its caller's to make. A run belongs to one node at a
// time; a node that was stopped for long goes on in the middle of a call that another has
// made meanwhile. So whoever sends the bytes of a call that changes something asks here
// last, right before they go out. HTTP needs nothing of a backend: whatever goes out asks
// for it (package server/egress).
type Fence struct {
	still func(context.Context) error
	shut  atomic.Bool
}

type fenceContext struct{}

// WithFence puts the call below ctx behind a fence. still gives an error if somebody else
// may make the call by now; it may take as long as its context allows.
func WithFence(ctx context.Context, still func(context.Context) error) context.Context {
	return context.WithValue(ctx, fenceContext{}, &Fence{still: still})
}

// FenceOf is the fence of a call, nil if it has none: an MCP client calls for itself.
func FenceOf(ctx context.Context) *Fence {
	f, _ := ctx.Value(fenceContext{}).(*Fence)
	return f
}

// Check gives an error if nothing more of the call may be sent. A nil fence lets all pass.
func (f *Fence) Check(ctx context.Context) error {
	if f == nil {
		return nil
	}
	err := f.still(ctx)
	if err != nil {
		f.shut.Store(true)
	}
	return err
}

// Shut reports that a check has failed, so that a part of the call was never sent.
func (f *Fence) Shut() bool { return f != nil && f.shut.Load() }
