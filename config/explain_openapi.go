package config

import (
	"io"
	"strings"
)

// explainOpenAPIs says which REST APIs are mounted, and how.
func (c *Config) explainOpenAPIs(w io.Writer) {
	if len(c.Tools.OpenAPI) == 0 {
		return
	}
	var rows [][]string
	for i, api := range c.Tools.OpenAPI {
		path := item("tools.openapi", i)
		spec := api.Spec
		if api.Remote() {
			spec = c.publicPartAt(path+".spec", spec)
		}
		at := "where the document says"
		if api.BaseURL != "" {
			at = c.publicPartAt(path+".base_url", api.BaseURL)
		}
		rows = append(rows, []string{api.Name + "__", api.offers(), spec, at, api.Auth.words(), api.repeats(), api.believed()})
	}
	table(w, "REST APIs", []string{"prefix", "offers", "document", "is at", "signs in by", "repeats writes", "trusted with"}, rows)
}

func (o OpenAPI) offers() string {
	offers := strings.Join(o.Include, ", ")
	if offers == "" {
		offers = "*"
	}
	if len(o.Exclude) > 0 {
		offers += " but " + strings.Join(o.Exclude, ", ")
	}
	return offers
}

func (a OpenAPIAuth) words() string {
	switch {
	case a.Bearer != "":
		return "a bearer token"
	case a.Basic != nil:
		return "user and password"
	case a.APIKey != nil:
		return "a key in the " + a.APIKey.In
	case a.ClientCredentials != nil:
		return "client credentials"
	}
	return "nothing"
}

func (o OpenAPI) repeats() string {
	if o.IdempotencyHeader == "" {
		return "never"
	}
	return "under " + o.IdempotencyHeader
}

func (o OpenAPI) believed() string {
	trusted := o.Trust
	if !o.Remote() && !o.Trusts(TrustChanges) {
		trusted = append([]string{"changes (a file)"}, trusted...)
	}
	if len(trusted) == 0 {
		return "nothing"
	}
	return strings.Join(trusted, ", ")
}
