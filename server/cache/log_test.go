package cache_test

import "sync/atomic"

// lockedBuffer is a log that goroutines write to.
type lockedBuffer struct {
	text atomic.Pointer[string]
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	for {
		was := b.text.Load()
		now := b.String() + string(p)
		if was != nil {
			now = *was + string(p)
		}
		if b.text.CompareAndSwap(was, &now) {
			return len(p), nil
		}
	}
}

func (b *lockedBuffer) String() string {
	if text := b.text.Load(); text != nil {
		return *text
	}
	return ""
}
