package config

import "slices"

// OpenAPI is a REST API whose operations are offered as NAME__operation, by the OpenAPI
// document that describes it.
type OpenAPI struct {
	Name string `yaml:"name"`
	// Spec is the document: a file, or an http or https URL. A file is yours to change; what
	// changes in one at a URL is held back until it is accepted.
	Spec string `yaml:"spec"`
	// BaseURL is where the API is, "" for where the document says.
	BaseURL string `yaml:"base_url"`
	// Auth is how we sign in. At most one of its members is set.
	Auth OpenAPIAuth `yaml:"auth"`
	// Headers go with each request.
	Headers map[string]Secret `yaml:"headers"`
	// Fixed are parameters and members of bodies that have one value, whatever a model would
	// like: they are no arguments.
	Fixed map[string]Secret `yaml:"fixed"`
	// Include and Exclude are patterns of operations: an operationId, a tool's name,
	// "METHOD /path", "/path", "tag:NAME". No Include: all.
	Include []string `yaml:"include"`
	Exclude []string `yaml:"exclude"`
	// Effects say by pattern of operations what they change. One without a word is a read
	// if it is a GET or HEAD, and else a write.
	Effects map[string]string `yaml:"effects"`
	// Unknown is as that of [MCPServer], by pattern of operations.
	Unknown map[string]UnknownOutcome `yaml:"unknown"`
	// IdempotencyHeader is the header in which the API takes a key with each write; ""
	// if it has none, and no write may be repeated.
	IdempotencyHeader string `yaml:"idempotency_header"`
	// Fields are by pattern what is left of an answer: paths of members. None: all of it.
	Fields map[string][]string `yaml:"fields"`
	// Paging says by pattern how to get a next page, where that is not recognised.
	Paging map[string]OpenAPIPaging `yaml:"paging"`
	// Trust lists what is believed: results, changes.
	Trust []string `yaml:"trust"`
	// Reload is how often a document at a URL is read again; 0 is not at all.
	Reload Duration `yaml:"reload"`
	// MaxSpec bounds the document, MaxResponse what is read of an answer, MaxResult what a
	// model gets of it.
	MaxSpec     Size `yaml:"max_spec"`
	MaxResponse Size `yaml:"max_response"`
	MaxResult   Size `yaml:"max_result"`
	// StartTimeout bounds reading the document, CallTimeout one call.
	StartTimeout Duration `yaml:"start_timeout"`
	CallTimeout  Duration `yaml:"call_timeout"`
}

// OpenAPIAuth is a way to sign in.
type OpenAPIAuth struct {
	// Bearer is a token for the Authorization header.
	Bearer            Secret             `yaml:"bearer"`
	Basic             *BasicAuth         `yaml:"basic"`
	APIKey            *APIKeyAuth        `yaml:"api_key"`
	ClientCredentials *ClientCredentials `yaml:"client_credentials"`
}

// BasicAuth is a user and a password.
type BasicAuth struct {
	User     string `yaml:"user"`
	Password Secret `yaml:"password"`
}

// APIKeyAuth is a key in a header, the query or a cookie.
type APIKeyAuth struct {
	In    string `yaml:"in"` // header, query or cookie
	Name  string `yaml:"name"`
	Value Secret `yaml:"value"`
}

// ClientCredentials is OAuth's grant for programs (RFC 6749, 4.4).
type ClientCredentials struct {
	TokenURL     string   `yaml:"token_url"`
	ClientID     string   `yaml:"client_id"`
	ClientSecret Secret   `yaml:"client_secret"`
	Scopes       []string `yaml:"scopes"`
	// Params go with the request for a token, such as audience.
	Params map[string]string `yaml:"params"`
}

// OpenAPIPaging is the argument that asks for the next page, and the path of the member of an
// answer that has its value.
type OpenAPIPaging struct {
	Argument string `yaml:"argument"`
	From     string `yaml:"from"`
}

// Trusts reports whether the API is trusted with what.
func (o OpenAPI) Trusts(what string) bool { return slices.Contains(o.Trust, what) }

// Remote reports whether the document is at a URL.
func (o OpenAPI) Remote() bool { return remote(o.Spec) }
