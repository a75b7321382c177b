package tools

import "context"

type keyContext struct{}

// WithKey gives the call below ctx its idempotency key. The guard sets it; the
// model never does.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyContext{}, key)
}

// Key is the call's idempotency key, "" outside a guarded call. A backend stores
// it with the effect, or passes it to a vendor that honours one.
func Key(ctx context.Context) string {
	key, _ := ctx.Value(keyContext{}).(string)
	return key
}
