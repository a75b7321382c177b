package config

import (
	"net/url"
	"slices"
	"strings"
)

// Config is everything that can be set, one section per part it feeds. Make one
// with [Default] or [Load].
type Config struct {
	Store    Store               `yaml:"store"`
	Server   Server              `yaml:"server"`
	Auth     Auth                `yaml:"auth"`
	Model    Model               `yaml:"model"`
	Models   map[string]Endpoint `yaml:"models"` // further ones, by the name that agents call them
	Chat     Chat                `yaml:"chat"`
	Tools    Tools               `yaml:"tools"`
	Guard    Guard               `yaml:"guard"`
	Cache    Cache               `yaml:"cache"`
	Policy   Policy              `yaml:"policy"`
	Agents   map[string]Agent    `yaml:"agents"`   // by name: [a-z0-9_-]{1,64}
	Webhooks map[string]Webhook  `yaml:"webhooks"` // by name, which is the last part of the URL
	// Schedules are by name, as webhooks.
	Schedules map[string]Schedule `yaml:"schedules"`
	// Playbooks are the prompts that MCP clients can take from here, by name.
	Playbooks map[string]Playbook `yaml:"playbooks"`
	// Callbacks is what holds for all callbacks.
	Callbacks Callbacks `yaml:"callbacks"`
	// Approvals is who is asked to agree to calls.
	Approvals Approvals `yaml:"approvals"`
	Egress    Egress    `yaml:"egress"`
	Workers   Workers   `yaml:"workers"`
	// Retention is how long what is over and done with is kept.
	Retention Retention `yaml:"retention"`
	Audit     Audit     `yaml:"audit"`
	Log       Log       `yaml:"log"`

	// source is where the settings were read. nil without a file.
	source *source
}

// Store is where Drawbridge keeps its own durable state.
type Store struct {
	// URL is sqlite:// and a path: sqlite://./data/x.db is relative to the working
	// directory, sqlite:///var/lib/x.db is absolute. Or it is that of a database of
	// PostgreSQL, postgres://user:password@host/database, which several nodes may share.
	URL Secret `yaml:"url"`
	// MinFree and MinFreePercent are how much of the disk of a SQLite file has to be free.
	// With less, nothing new is accepted: senders are asked to come back. 0 is without that
	// bound.
	MinFree        Size `yaml:"min_free"`
	MinFreePercent int  `yaml:"min_free_percent"`
}

// sqliteScheme begins the URL of a file.
const sqliteScheme = "sqlite://"

// Path is the file that URL names, "" for PostgreSQL.
func (s Store) Path() string {
	path, ok := strings.CutPrefix(s.URL.Reveal(), sqliteScheme)
	if !ok {
		return ""
	}
	return path
}

// Place is the URL as it may be shown: without a password.
func (s Store) Place() string {
	if s.Path() != "" {
		return s.URL.Reveal()
	}
	u, err := url.Parse(s.URL.Reveal())
	if err != nil {
		return redacted
	}
	// Of the parameters, some are secrets as well, and none says where it is but the host.
	query := url.Values{}
	if host := u.Query().Get("host"); host != "" {
		query.Set("host", host)
	}
	u.RawQuery = query.Encode()
	return u.Redacted()
}

// Server is the HTTP side: who may connect, and where.
type Server struct {
	// Listen is host:port. Port 0 takes any free one.
	Listen string `yaml:"listen"`
	// PublicURL is how the outside reaches the server, "" if that is not known. The
	// addresses to give to senders of webhooks are made of it.
	PublicURL string `yaml:"public_url"`
	// TrustedProxies are the addresses of the proxies in front, whose word on a
	// client's address is taken (X-Forwarded-For, Forwarded). None: nobody's.
	TrustedProxies []Network `yaml:"trusted_proxies"`
	// TLS is how the server speaks HTTPS itself. Nil: it speaks plain HTTP, as behind a
	// proxy that does.
	TLS *TLS `yaml:"tls"`
	// Keys are the API keys for /mcp, /sse and /v1. None: anybody who can connect
	// may call every tool, which is allowed on a loopback address only.
	Keys []Key `yaml:"keys"`
	// Local are the effects of callers on this machine who need no key: over stdio, over
	// loopback while there are no keys, and the person at the terminal.
	Local []string `yaml:"local_effects"`
	// MaxBody bounds a request on /mcp, /sse and /v1. A webhook has a bound of its own.
	MaxBody Size `yaml:"max_body"`
	// DrainTimeout is how long a stop waits for the requests and turns under way.
	DrainTimeout Duration `yaml:"drain_timeout"`
}

// Key is one API key and what it opens.
type Key struct {
	Name string `yaml:"name"` // appears in logs and audit records
	Key  Secret `yaml:"key"`
	// Tools are patterns of tool names, in which * stands for any run of characters.
	// They bound as well what an agent may call that the holder talks to.
	Tools []string `yaml:"tools"`
	// Effects are what these may do: read, write, message, money. None: read and write.
	Effects []string `yaml:"effects"`
	// Agents are patterns of the agents that its holder may talk to.
	Agents []string `yaml:"agents"`
	// RequestsPerMinute and Concurrent bound the holder's requests to /v1, 0 is without
	// a bound.
	RequestsPerMinute int `yaml:"requests_per_minute"`
	Concurrent        int `yaml:"concurrent"`
	// DryRun: the holder's calls, and those of agents that work for the holder, say what
	// they would do and change nothing.
	DryRun bool `yaml:"dry_run"`
	// Approve: its holder may decide about calls that wait for an approval.
	Approve bool `yaml:"approve"`
}

// Chat is the door for chat clients, at /v1/chat/completions.
type Chat struct {
	// Activity shows clients the tool calls under way, as reasoning, unless a request
	// says otherwise.
	Activity bool `yaml:"activity"`
	// KeepAlive is how long a stream is silent at most.
	KeepAlive Duration `yaml:"keep_alive"`
	// OnDisconnect says what becomes of a run whose client has gone: continue or
	// cancel, unless a request says otherwise.
	OnDisconnect string `yaml:"on_disconnect"`
	// ClientWait is how long a run waits for the results of its client's own calls.
	ClientWait Duration `yaml:"client_wait"`
	// RequestsPerMinute and Concurrent hold for callers without a key, all together,
	// while no keys are configured; 0 is without a bound.
	RequestsPerMinute int `yaml:"requests_per_minute"`
	Concurrent        int `yaml:"concurrent"`
}

// What becomes of a run whose client has gone.
const (
	OnDisconnectContinue = "continue"
	OnDisconnectCancel   = "cancel"
)

// Tools says which backend each family of tools works on, and which MCP servers and REST
// APIs stand beside them.
type Tools struct {
	CRM     CRMBackend     `yaml:"crm"`
	Payment PaymentBackend `yaml:"payment"`
	Email   EmailBackend   `yaml:"email"`
	Notify  NotifyBackend  `yaml:"notify"`
	Shop    ShopBackend    `yaml:"shop"`
	MCP     []MCPServer    `yaml:"mcp"`
	OpenAPI []OpenAPI      `yaml:"openapi"`
}

// MCPServer is an MCP server whose tools are offered as NAME__tool. It has a
// command or a URL.
type MCPServer struct {
	Name string `yaml:"name"`
	// Command is a program and its arguments, which speaks MCP on stdio.
	Command []string `yaml:"command"`
	// Env is for the command, which sees no more of our own environment than PATH,
	// HOME and the like.
	Env map[string]Secret `yaml:"env"`
	// URL is that of a server that speaks streamable HTTP, or SSE.
	URL     string            `yaml:"url"`
	Headers map[string]Secret `yaml:"headers"` // sent with each request to URL
	// Include are patterns of the server's own tool names. None: all of its tools.
	Include []string `yaml:"include"`
	// Effects say by pattern what tools change: read, write, message or money. The
	// most exact pattern wins; a tool without one is a write.
	Effects map[string]string `yaml:"effects"`
	// Unknown says by pattern what to do about a write whose outcome nobody knows; a
	// person is asked where nothing is said.
	Unknown map[string]UnknownOutcome `yaml:"unknown"`
	// Trust lists what the server is believed: hints, results, changes.
	Trust []string `yaml:"trust"`
	// StartTimeout bounds the start up to the list of tools, CallTimeout one call.
	StartTimeout Duration `yaml:"start_timeout"`
	CallTimeout  Duration `yaml:"call_timeout"`
}

// UnknownOutcome is what to do about a call that was made and whose answer was lost.
type UnknownOutcome struct {
	// Do is retry (the server honours our idempotency keys), check (a look-up tells), or
	// ask (a person decides).
	Do string `yaml:"do"`
	// Of check: Tool is the server's tool that looks, Arguments are its arguments as
	// expressions (CEL) over arguments and key of the call, Found is an expression over
	// these, result and text that is true if the call took effect.
	Tool      string            `yaml:"tool"`
	Arguments map[string]string `yaml:"arguments"`
	Found     string            `yaml:"found"`
	// After is how long to wait before looking, 5s by default, an hour at most.
	After *Duration `yaml:"after"`
}

// What [UnknownOutcome.Do] may be.
const (
	UnknownRetry = "retry"
	UnknownCheck = "check"
	UnknownAsk   = "ask"
)

// What an [MCPServer] can be trusted with.
const (
	// TrustHints: its annotations say what is a read, and what is destructive.
	TrustHints = "hints"
	// TrustResults: what its tools return, and how they describe themselves, is not text of outsiders.
	TrustResults = "results"
	// TrustChanges: a tool that is new or changed is offered without a person's
	// having accepted it.
	TrustChanges = "changes"
)

// Trusts reports whether the server is trusted with what.
func (m MCPServer) Trusts(what string) bool { return slices.Contains(m.Trust, what) }

// Agent is a model with a task, some of the tools, and limits.
type Agent struct {
	Instructions string `yaml:"instructions"`
	// Tools are patterns as in [Key]. None: the agent can only write its answer.
	Tools []string `yaml:"tools"`
	// Effects are what these may do, as in [Key].
	Effects []string `yaml:"effects"`
	// Always are patterns of tools that go into every request, when there are more
	// than one request can carry.
	Always []string `yaml:"always"`
	// Model is the model for this agent, "" for [Model].Name. It is one of
	// [Config].Models, or else what the endpoint of [Model] has by that name.
	Model string `yaml:"model"`
	// Fallback are the models to ask, in this order, when Model cannot be asked.
	Fallback []string `yaml:"fallback"`
	// Budget bounds one run. Whichever is spent first ends the run.
	Budget Budget `yaml:"budget"`
	// Daily bounds what all runs use in a day (UTC). What is zero has no bound. It is
	// looked at before each turn: runs under way at once may go over it by the turn that
	// each of them is in, and its last answer.
	Daily Budget `yaml:"daily"`
	// Output is a JSON Schema that answers have to fit; none if empty.
	Output JSON `yaml:"output"`
	// Mode is live or batch: whether the model is asked at once, or with others within a
	// day; Batch is for the latter.
	Mode  string `yaml:"mode"`
	Batch Batch  `yaml:"batch"`
	// DryRun: its calls say what they would do and change nothing.
	DryRun bool `yaml:"dry_run"`
}

// ModelsOf are all models that the agent may ask, in their order.
func (c *Config) ModelsOf(agent Agent) []string {
	first := agent.Model
	if first == "" {
		first = c.Model.Name
	}
	return append([]string{first}, agent.Fallback...)
}

// Budget is what may be used at most.
type Budget struct {
	Turns  int      `yaml:"turns"`  // answers of the model
	Calls  int      `yaml:"calls"`  // tool calls
	Tokens int      `yaml:"tokens"` // of the model, in and out together
	Wall   Duration `yaml:"wall"`   // time worked
	Cost   Money    `yaml:"cost"`   // of the model; zero is without a bound
}

// Workers says how much goes on at the same time.
type Workers struct {
	Runs      int `yaml:"runs"`      // runs of events at work; conversations are beside them
	Callbacks int `yaml:"callbacks"` // callbacks under way
}

// Log is what is written to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // text or json
}
