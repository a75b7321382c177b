package webhook

import "fmt"

// Renew has the deliveries of a source verified by v from now on: its secrets were
// changed. A delivery that has begun is judged by what counted when it came, and none is
// lost in between.
func (h *Handler) Renew(name string, v Verifier) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	source, ok := h.sources[name]
	if !ok || v == nil {
		return fmt.Errorf("webhook source %q: there is none to be given other secrets", name)
	}
	source.Verifier = v
	h.sources[name] = source
	return nil
}
