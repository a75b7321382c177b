package runapi

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"

	"drawbridge/server/apierror"
)

// document describes the whole HTTP API under /v1, and the door for webhooks, by
// OpenAPI 3.1.
//
//go:embed openapi.json
var document []byte

// Document answers GET /v1/openapi.json, to anybody: it says what there is, and nothing
// of anybody's.
func Document() http.Handler {
	sum := sha256.Sum256(document)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			apierror.MethodNotAllowed(w, r, http.MethodGet)
			return
		}
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "no-cache")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document) // a client that has gone needs no answer
	})
}
