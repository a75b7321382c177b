package config

import "time"

// OpenAIKeyVariable is the environment variable that model.api_key is read from
// when the file does not give it and the model is OpenAI's own.
const OpenAIKeyVariable = "OPENAI_API_KEY"

// Default is the configuration without a file: it listens on this machine only,
// keeps its state in a file below the working directory and works on built-in
// backends.
func Default() *Config {
	return &Config{
		Store: Store{URL: "sqlite://./data/drawbridge.db", MinFree: 500 * MiB, MinFreePercent: 5}, // ING-29
		Server: Server{
			Listen:  "127.0.0.1:8080",
			MaxBody: 10 * MiB,
			// Whoever is at this machine may write these settings, and reads what is in the
			// store. What holds such a caller back is the policy.
			Local: AllEffects(),
			// Below the 30 s that container platforms wait before they kill.
			DrainTimeout: Duration(25 * time.Second),
		},
		Model: defaultModel(),
		Chat: Chat{
			// Proxies in the wild give up on a silent connection after 15 s and more.
			KeepAlive:         Duration(5 * time.Second),
			OnDisconnect:      OnDisconnectContinue,
			ClientWait:        Duration(time.Hour),
			RequestsPerMinute: 600,
			Concurrent:        32,
		},
		Tools: Tools{
			CRM:     CRMBackend{Backend: "builtin"},
			Payment: PaymentBackend{Backend: "builtin"},
			Email:   EmailBackend{Backend: "outbox", From: "drawbridge@example.com"},
		},
		Guard:  defaultGuard(),
		Cache:  defaultCache(),
		Policy: Policy{Defaults: PolicyDefaultsOn},
		Agents: map[string]Agent{AssistantName: assistant()},
		Callbacks: Callbacks{
			Schedule:     DefaultCallback().Schedule,
			Concurrency:  4,                         // DEL-09
			DisableAfter: Duration(120 * time.Hour), // DEL-08
		},
		Workers: Workers{Runs: 32, Callbacks: 64},
		Retention: Retention{
			Events: Age(90 * day), Runs: Age(90 * day), Callbacks: Age(90 * day), // ING-27
			Audit: Age(400 * day), Rejections: Age(30 * day), Keys: Age(90 * day),
		},
		Log: Log{Level: "info", Format: "text"},
	}
}

func defaultModel() Model {
	e := DefaultEndpoint()
	return Model{
		BaseURL: e.BaseURL,
		Name:    "gpt-5.1",
		API:     e.API,
		Timeout: e.Timeout,
		Window:  e.Window,
		Images:  e.Images,
		// OpenAI's limit, and what is left of a context for the work.
		MaxFunctions:   128,
		FunctionTokens: 8000,
		Patience:       Duration(10 * time.Second),
		Attempts:       4,
		Currency:       "USD",
	}
}

// DefaultEndpoint is a model of which the file says nothing: OpenAI's, under the
// name that the file gives it.
func DefaultEndpoint() Endpoint {
	return Endpoint{
		BaseURL: "https://api.openai.com/v1",
		API:     APIChat,
		// Models that think say nothing for minutes.
		Timeout: Duration(5 * time.Minute),
		Window:  128_000,
		Images:  true,
	}
}

// DefaultKey is an API key of which the file says nothing: without a name, a key
// or tools.
func DefaultKey() Key {
	return Key{Agents: []string{"*"}, RequestsPerMinute: 600, Concurrent: 32}
}

// AssistantName is the agent that exists while the file names no agent, no
// webhook and no schedule, so that `drawbridge run` works from the start: only a person can give
// it something to do.
const AssistantName = "assistant"

func assistant() Agent {
	agent := DefaultAgent()
	agent.Instructions = "You help a colleague in a small company with its CRM, payments and mail. Look things up before you change them, " +
		"do what was asked and no more, and say plainly what you did and what you could not do."
	agent.Tools, agent.Effects = []string{"*"}, AllEffects()
	return agent
}

// DefaultAgent is an agent of which the file says nothing: it may call no tools.
func DefaultAgent() Agent {
	return Agent{Budget: Budget{
		Turns:  12,
		Calls:  40,
		Tokens: 200_000,
		Wall:   Duration(15 * time.Minute), // RUN-10
	}, Mode: ModeLive, Batch: DefaultBatch()}
}

// DefaultWebhook is a webhook of which the file says nothing. It is not complete:
// a scheme, secrets, an agent and a prompt have no defaults.
func DefaultWebhook() Webhook {
	return Webhook{
		Tolerance: Duration(300 * time.Second), // ING-13
		MaxBody:   10 * MiB,                    // ING-05
		Rate:      1000,                        // ING-25
		DedupeFor: Duration(35 * day),          // ING-10
		Answer:    Answer{Status: 200},
		Validate:  ValidateWarn, // ING-20
		Match:     MatchFirst,
		Priority:  PriorityNormal,
	}
}

// DefaultRoute is a route of which the file says nothing. It is not complete: an agent
// and a prompt have no defaults.
func DefaultRoute() Route { return Route{Priority: PriorityNormal} }

// DefaultCallback is a callback of which the file says nothing: without an
// address and a secret, with the schedule of DEL-04.
func DefaultCallback() Callback {
	return Callback{Schedule: []Duration{
		0,
		Duration(5 * time.Second),
		Duration(5 * time.Minute),
		Duration(30 * time.Minute),
		Duration(2 * time.Hour),
		Duration(5 * time.Hour),
		Duration(10 * time.Hour),
		Duration(14 * time.Hour),
		Duration(20 * time.Hour),
		Duration(24 * time.Hour),
	}}
}

// DefaultMCPServer is an MCP server of which the file says nothing: without a
// name, a command or a URL, and not trusted with anything.
func DefaultMCPServer() MCPServer {
	return MCPServer{StartTimeout: Duration(30 * time.Second), CallTimeout: Duration(time.Minute)}
}

// DefaultOpenAPI is a REST API of which the file says nothing: without a name and a
// document, and not trusted with anything.
func DefaultOpenAPI() OpenAPI {
	return OpenAPI{Reload: Duration(24 * time.Hour), MaxSpec: 32 * MiB, MaxResponse: 4 * MiB, MaxResult: 64 * KiB,
		StartTimeout: Duration(time.Minute), CallTimeout: Duration(time.Minute)}
}

// defaulter is an element of a list or a table, which exists only once the file
// mentions it. Its defaults are set before it is read, so that a setting given as
// zero is told from one left out.
type defaulter interface{ setDefaults() }

func (a *Agent) setDefaults()     { *a = DefaultAgent() }
func (w *Webhook) setDefaults()   { *w = DefaultWebhook() }
func (r *Route) setDefaults()     { *r = DefaultRoute() }
func (c *Callback) setDefaults()  { *c = DefaultCallback() }
func (m *MCPServer) setDefaults() { *m = DefaultMCPServer() }
func (o *OpenAPI) setDefaults()   { *o = DefaultOpenAPI() }
func (e *Endpoint) setDefaults()  { *e = DefaultEndpoint() }
func (k *Key) setDefaults()       { *k = DefaultKey() }
