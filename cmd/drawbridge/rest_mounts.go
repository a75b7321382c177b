package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"drawbridge/config"
	"drawbridge/server/egress"
	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
	"drawbridge/tools/restmount"
)

// restAPI is a REST API of the settings: what reads its document and makes its calls.
type restAPI struct {
	path   string // in the settings
	remote bool
	api    *restmount.API
}

// addAPIs mounts the REST APIs of the settings beside the servers. Their documents are
// read once somebody needs their tools.
func (m *mounts) addAPIs(cfg *config.Config, catalog *tools.Catalog, book mcpmount.Book, rules *egress.Rules, log *slog.Logger) error {
	for i, s := range cfg.Tools.OpenAPI {
		path := fmt.Sprintf("tools.openapi[%d]", i)
		api, err := restmount.New(apiSettings(s), restmount.Options{Log: log, Reach: func(named ...string) http.RoundTripper { return apiTransport(rules, named) }})
		if err != nil {
			return config.Problems{cfg.Problem(path, "%v", err)}
		}
		if !s.Remote() {
			if err := readable(s.Spec); err != nil {
				return config.Problems{cfg.Problem(path+".spec", "the document cannot be read: %v", err)}
			}
		}
		settings := apiMount(s, api)
		if problems := unknownProblems(cfg, path+".unknown", settings.Unknown); len(problems) > 0 {
			return problems
		}
		mount, err := mcpmount.New(settings, mcpmount.Options{Log: log, Book: book, Changed: offering(catalog, s.Name, log)})
		if err != nil {
			return config.Problems{cfg.Problem(path, "%v", err)}
		}
		m.list = append(m.list, mount)
		m.apis = append(m.apis, restAPI{path: path, remote: s.Remote(), api: api})
	}
	return nil
}

// offering puts what a mount offers into the catalog, as it comes and goes.
func offering(catalog *tools.Catalog, mount string, log *slog.Logger) func([]tools.Tool) {
	return func(list []tools.Tool) {
		if err := catalog.Mount(mount, list); err != nil {
			log.Error("tools cannot be offered", "mount", mount, "err", err)
		}
	}
}

func readable(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	return f.Close()
}

// apiTransport reaches one API, its document and its issuer of tokens, wherever the settings
// say that they are, and else what everybody may call.
func apiTransport(rules *egress.Rules, named []string) http.RoundTripper {
	return rules.Guard(mcpmount.NewTransport(), egress.Reach{Named: named, Connect: 10 * time.Second})
}

// apiMount are the settings of the mount. What an operation does follows from its method,
// which is what is sent: that much is believed of every document. A file is the operator's
// own to change.
func apiMount(s config.OpenAPI, api *restmount.API) mcpmount.Settings {
	effects := map[string]tools.Effect{}
	for pattern, effect := range s.Effects {
		effects[pattern] = tools.Effect(effect)
	}
	settings := mcpmount.Settings{
		Name: s.Name, Kind: "REST API", Source: api, Aliases: restmount.Aliases, Effects: effects, Unknown: unknownOutcomes(s.Unknown),
		TrustHints: true, TrustResults: s.Trusts(config.TrustResults), TrustChanges: s.Trusts(config.TrustChanges) || !s.Remote(),
		StartTimeout: time.Duration(s.StartTimeout), CallTimeout: time.Duration(s.CallTimeout),
	}
	if s.Remote() {
		settings.Relist = time.Duration(s.Reload)
	}
	return settings
}

func apiSettings(s config.OpenAPI) restmount.Settings {
	out := restmount.Settings{
		Name: s.Name, Spec: s.Spec, BaseURL: s.BaseURL, Headers: revealed(s.Headers), Fixed: revealed(s.Fixed), Auth: apiAuth(s.Auth),
		Include: s.Include, Exclude: s.Exclude, IdempotencyHeader: s.IdempotencyHeader, Fields: s.Fields, Paging: map[string]restmount.Paging{},
		MaxSpec: int64(s.MaxSpec), MaxResponse: int64(s.MaxResponse), MaxResult: int64(s.MaxResult),
	}
	for pattern, p := range s.Paging {
		out.Paging[pattern] = restmount.Paging{Argument: p.Argument, From: p.From}
	}
	return out
}

func apiAuth(a config.OpenAPIAuth) restmount.Auth {
	out := restmount.Auth{Bearer: a.Bearer.Reveal()}
	if b := a.Basic; b != nil {
		out.Basic = &restmount.Basic{User: b.User, Password: b.Password.Reveal()}
	}
	if k := a.APIKey; k != nil {
		out.APIKey = &restmount.APIKey{In: k.In, Name: k.Name, Value: k.Value.Reveal()}
	}
	if c := a.ClientCredentials; c != nil {
		out.OAuth = &restmount.ClientCredentials{TokenURL: c.TokenURL, ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), Scopes: c.Scopes, Params: c.Params}
	}
	return out
}

// mostLeftOut bounds the operations that a check names, of each API.
const mostLeftOut = 50

// checkAPIs reads the documents and says which operations cannot be tools. A file that is
// no document is a mistake; one at an address may be away for now.
func (m *mounts) checkAPIs(ctx context.Context, cfg *config.Config, w io.Writer) error {
	var problems config.Problems
	out := &lines{w: w}
	for i, a := range m.apis {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(cfg.Tools.OpenAPI[i].StartTimeout))
		_, leftOut, err := a.api.List(ctx)
		cancel()
		if err != nil {
			problem := cfg.Problem(a.path+".spec", "%v", err)
			if problem.Warning = a.remote; a.remote {
				out.printf("drawbridge: %v", problem)
				continue
			}
			problems = append(problems, problem)
		}
		for _, left := range leftOut[:min(len(leftOut), mostLeftOut)] {
			problem := cfg.Problem(a.path, "left out: %s: %s", oneLine(left.Tool, 300), oneLine(left.Why, 300))
			problem.Warning = true
			out.printf("drawbridge: %v", problem)
		}
		if more := len(leftOut) - mostLeftOut; more > 0 {
			out.printf("drawbridge: %s: %d more operations are left out; `drawbridge tools '%s__*'` lists them", a.path, more, cfg.Tools.OpenAPI[i].Name)
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return out.err
}

// nowhere is a transport for those who only look at what was accepted.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nothing is called here")
}
