package config

// Model is the language model, behind an OpenAI-compatible API, and what holds for
// all models.
type Model struct {
	// BaseURL to Files, and the two bounds a minute, are those of an [Endpoint].

	BaseURL string `yaml:"base_url"`
	// APIKey is OPENAI_API_KEY of the environment when the file does not give it and
	// the model is OpenAI's own. Empty: none is sent.
	APIKey            Secret   `yaml:"api_key"`
	Name              string   `yaml:"name"`
	API               string   `yaml:"api"`
	Timeout           Duration `yaml:"timeout"`
	Window            int      `yaml:"window"`
	Images            bool     `yaml:"images"`
	Files             *bool    `yaml:"files"`
	RequestsPerMinute int      `yaml:"requests_per_minute"`
	TokensPerMinute   int      `yaml:"tokens_per_minute"`

	// MaxFunctions is how many functions one request may carry, FunctionTokens how
	// many tokens their definitions may take. Above either the best are chosen.
	MaxFunctions   int `yaml:"max_functions"`
	FunctionTokens int `yaml:"function_tokens"`
	// Patience is the longest wait for a model within one question: a run that would
	// have to wait longer is put down, and goes on by itself.
	Patience Duration `yaml:"patience"`
	// Attempts is how often one question is asked before the next model, or a pause.
	Attempts int `yaml:"attempts"`
	// Currency is what Prices and budgets of money are in: ISO 4217, three capitals.
	Currency string `yaml:"currency"`
	// Prices of models, by the names that agents call them.
	Prices map[string]Prices `yaml:"prices"`
}

// Endpoint is one model and where it is.
type Endpoint struct {
	// BaseURL is where the API is, up to and including its version.
	BaseURL string `yaml:"base_url"`
	// APIKey is as in [Model]. It is never that of another model.
	APIKey Secret `yaml:"api_key"`
	// Name is what the model is called there; what it is called here if empty.
	Name string `yaml:"name"`
	// API is what is spoken: chat or responses.
	API string `yaml:"api"`
	// Timeout is how long the model may be silent: before its answer, and within it.
	Timeout Duration `yaml:"timeout"`
	// Window is what the model can take in, in tokens, question and answer together.
	Window int `yaml:"window"`
	// Images: the model can be shown images.
	Images bool `yaml:"images"`
	// Files: the model can be sent documents (PDF). See [Endpoint.TakesFiles] for nil.
	Files *bool `yaml:"files"`
	// RequestsPerMinute and TokensPerMinute pace requests ahead of the endpoint's
	// limits; 0 is without a bound.
	RequestsPerMinute int `yaml:"requests_per_minute"`
	TokensPerMinute   int `yaml:"tokens_per_minute"`
}

// RehearsalModel is what the scripted model is called that speaks where no model is
// configured. No other has the name.
const RehearsalModel = "rehearsal"

// The APIs that models speak.
const (
	APIChat      = "chat"      // chat completions, which every compatible server has
	APIResponses = "responses" // OpenAI's Responses API
)

// Prices of one model, per million tokens.
type Prices struct {
	Input  Price  `yaml:"input"`
	Cached *Price `yaml:"cached"` // of input that the provider had kept; Input if nil
	Output Price  `yaml:"output"`
	// Reasoning is that of output which is not shown; Output if nil.
	Reasoning *Price `yaml:"reasoning"`
}

// CachedOrInput is the price of input that the provider had kept.
func (p Prices) CachedOrInput() Price {
	if p.Cached == nil {
		return p.Input
	}
	return *p.Cached
}

// ReasoningOrOutput is the price of output that is not shown.
func (p Prices) ReasoningOrOutput() Price {
	if p.Reasoning == nil {
		return p.Output
	}
	return *p.Reasoning
}

// Endpoint is the part of m that says where the model is.
func (m Model) Endpoint() Endpoint {
	return Endpoint{BaseURL: m.BaseURL, APIKey: m.APIKey, Name: m.Name, API: m.API, Timeout: m.Timeout, Window: m.Window, Images: m.Images, Files: m.Files,
		RequestsPerMinute: m.RequestsPerMinute, TokensPerMinute: m.TokensPerMinute}
}

// TakesFiles reports whether the model is sent documents that tools return. Where
// nothing is set, that is OpenAI's own: few other endpoints take any, and one that does
// not refuses the whole request.
func (e Endpoint) TakesFiles() bool {
	if e.Files == nil {
		return e.isOpenAI()
	}
	return *e.Files
}

// RefusesFiles reports whether the file says that the model takes no documents, so
// that nobody needs to try.
func (e Endpoint) RefusesFiles() bool { return e.Files != nil && !*e.Files }

func (e Endpoint) isOpenAI() bool { return e.BaseURL == DefaultEndpoint().BaseURL }

// EndpointOf is where the model is that agents call name: one of Models, or else
// that of Model under its name there, "" for Model's own.
func (c *Config) EndpointOf(name string) Endpoint {
	if e, known := c.Models[name]; known {
		if e.Name == "" {
			e.Name = name
		}
		return e
	}
	e := c.Model.Endpoint()
	if name != "" {
		e.Name = name
	}
	return e
}
