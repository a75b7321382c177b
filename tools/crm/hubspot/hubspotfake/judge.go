package hubspotfake

import (
	"bytes"
	"context"
	_ "embed"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

//go:embed contract.yaml
var contract []byte

var router = sync.OnceValues(func() (routers.Router, error) {
	document, err := openapi3.NewLoader().LoadFromData(contract)
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(document)
})

// judgeRequest holds a request against the contract.
func judgeRequest(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	routes, err := router()
	if err != nil {
		return nil, err
	}
	twin := r.Clone(r.Context())
	twin.URL = &url.URL{Scheme: "http", Host: "hubspot.invalid", Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	route, params, err := routes.FindRoute(twin)
	if err != nil {
		return nil, err
	}
	input := &openapi3filter.RequestValidationInput{Request: twin, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc, // answered in HubSpot's own way
		IncludeResponseStatus: true,
	}}
	return input, openapi3filter.ValidateRequest(r.Context(), input)
}

// judgeAnswer holds an answer against it.
func judgeAnswer(input *openapi3filter.RequestValidationInput, status int, header http.Header, body []byte) error {
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Options: input.Options,
	})
}
