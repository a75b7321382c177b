package webhook

import (
	"path"
	"regexp"
	"strings"
)

// Prefix begins the path of every webhook.
const Prefix = "/webhooks/"

var nameRule = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// route finds the source that a path names, once doubled, trailing and dotted
// slashes are gone: every spelling is served as it came, because a sender counts
// a redirect to the clean one as failure. A disabled source is not found, and
// neither is anything below a source whose senders show no token there.
func (h *Handler) route(requested string) (s Source, token string, ok bool) {
	if !strings.HasPrefix(requested, "/") {
		requested = "/" + requested
	}
	rest, ok := strings.CutPrefix(path.Clean(requested), Prefix)
	if !ok {
		return Source{}, "", false
	}
	name, token, deeper := strings.Cut(rest, "/")
	h.mu.RLock()
	s, ok = h.sources[name]
	h.mu.RUnlock()
	if !ok || s.Disabled || deeper && !takesToken(s.Verifier) {
		return Source{}, "", false
	}
	return s, token, true
}

// takesToken reports whether deliveries show a secret in their path.
func takesToken(v Verifier) bool {
	t, ok := v.(interface{ TakesToken() bool })
	return ok && t.TakesToken()
}

// needsURL reports whether deliveries are judged by the address they were sent to.
func needsURL(v Verifier) bool {
	n, ok := v.(interface{ NeedsURL() bool })
	return ok && n.NeedsURL()
}

// isUnsigned reports whether nobody can tell whose the deliveries are.
func isUnsigned(v Verifier) bool {
	u, ok := v.(interface{ Unsigned() bool })
	return ok && u.Unsigned()
}
