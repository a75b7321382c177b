package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Needs is what has to be shown at a route.
type Needs string

const (
	// Principal: whoever asks is known before the handler sees the request.
	Principal Needs = "principal"
	// Own: the handler judges by itself what is shown. Why says what that is.
	Own Needs = "own"
	// Nothing: anybody may ask. Why says what makes that harmless.
	Nothing Needs = "nothing"
)

// Route is one door.
type Route struct {
	// Pattern is a ServeMux pattern ("/mcp", "GET /sse"), but /webhooks/ takes every path
	// that comes out below it once doubled and dotted slashes are gone, and gets it as it
	// was sent: a ServeMux would answer with a redirect, which senders count as a
	// failure (ING-19).
	Pattern string
	Needs   Needs
	Why     string // of every route that does not need a principal
	Handler http.Handler
}

// webhooks is the pattern that is not the ServeMux's.
const webhooks = "/webhooks/"

// Routes are all routes of the server, by their patterns.
func (s *Server) Routes() []Route { return slices.Clone(s.routes) }

// allRoutes adds health, and makes sure that no door stands open by an oversight: what is
// forgotten in a Route is a mistake of the program.
func (s *Server) allRoutes() []Route {
	all := append([]Route{
		{Pattern: "GET /healthz", Needs: Nothing, Why: "says that the process lives, and nothing else", Handler: http.HandlerFunc(
			func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok", nil) })},
		{Pattern: "GET /readyz", Needs: Nothing, Why: "load balancers have no credentials; names and reasons are for principals only", Handler: http.HandlerFunc(s.ready)},
	}, s.o.Routes...)
	for _, r := range all {
		switch {
		case r.Needs == Principal && s.o.Identify == nil:
			panic(fmt.Sprintf("server: route %q needs a principal, and nobody can tell one", r.Pattern))
		case r.Needs != Principal && (r.Why == "" || r.Needs != Own && r.Needs != Nothing):
			panic(fmt.Sprintf("server: route %q does not say what it needs (%q), or why no principal", r.Pattern, r.Needs))
		}
	}
	slices.SortFunc(all, func(a, b Route) int { return strings.Compare(a.Pattern, b.Pattern) })
	return all
}

// door is the route's handler behind all that holds for its kind.
func (s *Server) door(r Route) http.Handler {
	if r.Needs == Principal {
		return s.o.Identify(r.Handler)
	}
	return r.Handler
}
