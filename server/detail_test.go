package server_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"testing"

	"drawbridge/server"
)

func TestReadinessShowsItsDetailAndDoesNotDependOnIt(t *testing.T) {
	var detail any
	var broken error
	_, base := started(t, server.Options{
		Ready:  func(context.Context) error { return broken },
		Detail: func(*http.Request) any { return detail },
	})
	for _, step := range []struct {
		name   string
		detail any
		broken error
		status int
		body   string
	}{
		{"nothing to say", nil, nil, 200, `{"status":"ready"}`},
		{"a mount that is away", map[string]any{"mounts": map[string]string{"git": "waiting"}}, nil, 200, `{"status":"ready","detail":{"mounts":{"git":"waiting"}}}`},
		{"what cannot be encoded", math.Inf(1), nil, 200, `{"status":"ready"}`},
		{"a broken part", "secret", errors.New("disk"), 503, `{"status":"not ready","detail":"see the server's log"}`},
	} {
		detail, broken = step.detail, step.broken
		if status, body := get(t, base+"/readyz"); status != step.status || body != step.body+"\n" {
			t.Errorf("%s: %d %s", step.name, status, body)
		}
	}
	if _, body := get(t, base+"/healthz"); body != "{\"status\":\"ok\"}\n" {
		t.Errorf("/healthz says %s", body)
	}
}
