package tools

import (
	"context"
	"errors"
	"testing"
)

func TestFenceTellsThatItWasShut(t *testing.T) {
	var none *Fence
	if FenceOf(t.Context()) != nil || none.Check(t.Context()) != nil || none.Shut() {
		t.Error("a call without a fence is held up")
	}
	var lost error
	ctx := WithFence(t.Context(), func(context.Context) error { return lost })
	fence := FenceOf(WithKey(ctx, "k"))
	if fence.Check(ctx) != nil || fence.Shut() {
		t.Error("an open fence is shut")
	}
	lost = errors.New("lost")
	if err := fence.Check(ctx); !errors.Is(err, lost) || !fence.Shut() {
		t.Errorf("a shut fence gives %v, shut %v", err, fence.Shut())
	}
	lost = nil
	if fence.Check(ctx) != nil || !fence.Shut() {
		t.Error("that something was held back is forgotten")
	}
}
