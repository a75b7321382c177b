// Package auth answers one question: who is calling?
//
// A door (MCP, chat, stdio, an agent's run) resolves its caller to a [Principal]
// and puts it into the context; the guard takes it from there. What the principal
// may do is the guard's business.
//
// keys.go knows the API keys, middleware.go lets their holders through, and refusals.go
// logs the others. page.go tells a web page's request from a program's, limits.go
// counts what one caller asks for, and door.go notes where a call came in.
package auth

import "context"

// Kind says what sort of caller a principal is.
type Kind string

const (
	// Key is a holder of an API key from the configuration.
	Key Kind = "key"
	// Certificate is whom a client certificate shows: "cert:erp".
	Certificate Kind = "cert"
	// JWT is whom a token of a believed issuer names: "corp/alice".
	JWT Kind = "jwt"
	// Webhook and Schedule start runs. They call nothing themselves: an agent acts for them.
	Webhook  Kind = "webhook"
	Schedule Kind = "schedule"
	// Local is a caller on this machine without a key: stdio, or HTTP on a
	// loopback address while no keys are configured.
	Local Kind = "local"
	// Agent is a durable run of a configured agent.
	Agent Kind = "agent"
)

// Principal is a resolved caller.
type Principal struct {
	Kind Kind
	// Name is the key's or the agent's name; for Local the name of the door.
	Name string
	// Tools are patterns of tool names that it may see and call ("crm_*").
	Tools []string
	// Effects are what these may do: read, write, message, money. Nil: read and write.
	Effects []string
	// Pairs, if not nil, are the parts of what a token opens: a tool and its effect have to
	// be in one of them.
	Pairs []Pair
	// Scopes are those of its token that open something. Openings are what each scope of its
	// issuer opens, those that it has not among them; they are all its holders', and nobody
	// changes them. Both are nil for whom no token names.
	Scopes   []string
	Openings []Opening
	// For is whom an agent's run acts for, its trigger: "webhook:stripe",
	// "schedule:nightly", "key:desk", "local:http"; "" for whoever acts in its own name.
	For string
	// Within, if not nil, are patterns that a tool has to fit as well: those of the caller
	// that an agent acts for. An agent never opens to its caller what the caller may not do.
	Within []string
	// Agents are patterns of the agents that it may talk to.
	Agents []string
	// Approve: a key's holder may decide about approvals.
	Approve bool
	// Limit bounds the requests of a key.
	Limit Limit
	// DryRun: what it calls only says what it would do, unless that is a read.
	DryRun bool
	// Run is the run a principal of kind Agent acts in, "" otherwise.
	Run string
	// Tainted: the run has read text from outside.
	Tainted bool
}

// String is the form used in audit rows and logs: "key:desk", "agent:billing".
func (p Principal) String() string { return string(p.Kind) + ":" + p.Name }

type principalContext struct{}

// With puts the principal into the context.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalContext{}, p)
}

// From takes the principal out of the context. Without one it reports false, and
// nothing may be called.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalContext{}).(Principal)
	return p, ok
}
