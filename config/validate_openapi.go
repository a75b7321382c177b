package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

func remote(spec string) bool {
	return strings.HasPrefix(spec, "http://") || strings.HasPrefix(spec, "https://")
}

func (k *checker) checkOpenAPIs() {
	names := map[string]bool{}
	for _, server := range k.Tools.MCP {
		names[server.Name] = true
	}
	for i, api := range k.Tools.OpenAPI {
		path := item("tools.openapi", i)
		k.checkMountName(path, api.Name, "API", names)
		k.checkAddresses(path, api)
		k.checkAPIHeaders(path, api)
		k.checkAPIAuth(path+".auth", api.Auth)
		k.checkOperations(path, api)
		for j, trusted := range api.Trust {
			k.oneOf(item(path+".trust", j), trusted, TrustResults, TrustChanges)
		}
		if api.Reload != 0 {
			between(k, path+".reload", api.Reload, Duration(time.Minute), Duration(30*day))
		}
		between(k, path+".max_spec", api.MaxSpec, KiB, 256*MiB)
		between(k, path+".max_response", api.MaxResponse, KiB, 64*MiB)
		between(k, path+".max_result", api.MaxResult, KiB, 1*MiB)
		between(k, path+".start_timeout", api.StartTimeout, Duration(time.Second), Duration(10*time.Minute))
		between(k, path+".call_timeout", api.CallTimeout, Duration(time.Second), Duration(time.Hour))
	}
}

// checkAddresses checks where the document and the API are.
func (k *checker) checkAddresses(path string, api OpenAPI) {
	switch {
	case api.Spec == "":
		k.refuse(path, "there is no document; give spec: a file, or a URL")
	case api.Remote():
		if u := k.checkURL(path+".spec", api.Spec); u != nil && unencrypted(u) {
			k.warn(path+".spec", "whoever is on the way could change the document; want https")
		}
	case strings.Contains(api.Spec, "://"):
		k.refuse(path+".spec", "want a file, or an http or https URL")
	}
	if api.BaseURL != "" {
		if u := k.checkBaseURL(path+".base_url", api.BaseURL); u != nil && unencrypted(u) {
			k.warn(path+".base_url", "arguments, results and credentials would be sent unencrypted; want https")
		}
	}
}

func (k *checker) checkAPIHeaders(path string, api OpenAPI) {
	for _, name := range slices.Sorted(maps.Keys(api.Headers)) {
		if at := child(path+".headers", name); name == "" || strings.ContainsFunc(name, isNoHeader) {
			k.refuse(at, "%s is no name of a header", quote(name))
		} else if strings.ContainsAny(api.Headers[name].Reveal(), "\r\n\x00") {
			k.refuse(at, "the value holds a line end, which no HTTP header can carry")
		}
	}
	if name := api.IdempotencyHeader; strings.ContainsFunc(name, isNoHeader) {
		k.refuse(path+".idempotency_header", "%s is no name of a header", k.show(path+".idempotency_header", name))
	}
}

func (k *checker) checkAPIAuth(path string, a OpenAPIAuth) {
	ways := 0
	for _, set := range []bool{a.Bearer != "", a.Basic != nil, a.APIKey != nil, a.ClientCredentials != nil} {
		if set {
			ways++
		}
	}
	if ways > 1 {
		k.refuse(path, "there are %d ways to sign in; want one of bearer, basic, api_key and client_credentials", ways)
	}
	if strings.ContainsFunc(a.Bearer.Reveal(), isNoBearer) {
		k.refuse(path+".bearer", "the token holds white space or characters beyond ASCII, which no HTTP header can carry")
	}
	if b := a.Basic; b != nil && (b.User == "" && b.Password == "" || strings.Contains(b.User, ":")) {
		k.refuse(path+".basic", "want a user without a colon, and a password")
	}
	if key := a.APIKey; key != nil {
		k.checkAPIKey(path+".api_key", *key)
	}
	if c := a.ClientCredentials; c != nil {
		at := path + ".client_credentials"
		if u := k.checkURL(at+".token_url", c.TokenURL); u != nil && unencrypted(u) {
			k.warn(at+".token_url", "the client's secret would be sent unencrypted; want https")
		}
		if c.ClientID == "" || c.ClientSecret == "" {
			k.refuse(at, "want client_id and client_secret")
		}
	}
}

func (k *checker) checkAPIKey(path string, key APIKeyAuth) {
	k.oneOf(path+".in", key.In, "header", "query", "cookie")
	switch value := key.Value.Reveal(); {
	case key.Name == "" || key.In != "query" && strings.ContainsFunc(key.Name, isNoHeader):
		k.refuse(path, "want the name of the header, parameter or cookie that carries the key")
	case value == "":
		k.refuse(path, "the key is empty")
	case key.In == "header" && strings.ContainsAny(value, "\r\n\x00"):
		k.refuse(path+".value", "the key holds a line end, which no HTTP header can carry")
	}
}

// A pattern of operations: a name, "METHOD /path" or "tag:NAME", and *.
var operationForm = regexp.MustCompile(`^[^\x00-\x1f\x7f]{1,300}$`)

func (k *checker) checkOperation(at, pattern string) {
	if !operationForm.MatchString(pattern) {
		k.refuse(at, `%s is no pattern of operations; want an operationId, "METHOD /path", "/path" or "tag:NAME", with * for any run of characters`, k.show(at, pattern))
	}
}

// checkOperations checks what is said of single operations.
func (k *checker) checkOperations(path string, api OpenAPI) {
	for name, patterns := range map[string][]string{".include": api.Include, ".exclude": api.Exclude} {
		for j, pattern := range patterns {
			k.checkOperation(item(path+name, j), pattern)
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(api.Effects)) {
		at := child(path+".effects", pattern)
		k.checkOperation(at, pattern)
		k.oneOf(at, api.Effects[pattern], effects...)
	}
	k.checkUnknownOutcomes(path+".unknown", api.Unknown, api.Effects, k.checkOperation)
	for _, pattern := range slices.Sorted(maps.Keys(api.Fields)) {
		at := child(path+".fields", pattern)
		k.checkOperation(at, pattern)
		for j, field := range api.Fields[pattern] {
			if field == "" || slices.Contains(strings.Split(field, "."), "") {
				k.refuse(item(at, j), "%s is no path; want names with dots between them, such as data.id", k.show(item(at, j), field))
			}
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(api.Paging)) {
		at := child(path+".paging", pattern)
		k.checkOperation(at, pattern)
		if p := api.Paging[pattern]; p.Argument == "" || p.From == "" {
			k.refuse(at, "want argument, which asks for the next page, and from: where its value is in an answer, such as meta.next")
		}
	}
}
