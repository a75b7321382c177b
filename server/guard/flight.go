package guard

import "sync"

// flights are the calls under a key that this process is making right now. They
// cover the time until a result is on record: who comes later finds it there.
type flights struct {
	mu    sync.Mutex
	byKey map[flightKey]*flight
}

type flightKey struct{ principal, key string }

// flight is one such call. Its result may be read once done is closed.
type flight struct {
	tool, digest string
	done         chan struct{}
	result       Result
}

// join gives the flight under the key, and whether the caller is the first and
// has to make the call, and then to land it.
func (f *flights) join(key flightKey, tool, digest string) (_ *flight, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if running, ok := f.byKey[key]; ok {
		return running, false
	}
	if f.byKey == nil {
		f.byKey = map[flightKey]*flight{}
	}
	started := &flight{tool: tool, digest: digest, done: make(chan struct{})}
	f.byKey[key] = started
	return started, true
}

// land gives the result to all who wait for it.
func (f *flights) land(key flightKey, landed *flight, result Result) {
	f.mu.Lock()
	delete(f.byKey, key)
	f.mu.Unlock()
	landed.result = result
	close(landed.done)
}
