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
// a redirect to the clean one as failure. A disabled source is not found.
func (h *Handler) route(requested string) (Source, bool) {
	name, ok := strings.CutPrefix(path.Clean("/"+requested), Prefix)
	if !ok {
		return Source{}, false
	}
	source, ok := h.sources[name]
	return source, ok && !source.Disabled
}
