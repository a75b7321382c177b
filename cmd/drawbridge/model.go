package main

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"time"

	"drawbridge/bridge/rehearsal"
	"drawbridge/config"
)

// rehearsalScript is what the scripted model plays when no real one is configured.
//
//go:embed rehearsal.yaml
var rehearsalScript []byte

// modelChoice is the model that speaks in this process.
type modelChoice struct {
	baseURL string
	name    string // what agents that name no model of their own ask for
	key     config.Secret
	// Rehearsed: a script speaks, not a model. Whatever is shown must say so.
	Rehearsed bool
	stop      func(ctx context.Context) error
}

// chooseModel takes the configured model. Without a key for OpenAI, and without
// another base URL, no model could answer: then the rehearsal model speaks, over
// the same HTTP as a real one.
func chooseModel(ctx context.Context, m config.Model, rehearse bool) (modelChoice, error) {
	if !rehearse && (m.APIKey != "" || m.BaseURL != config.Default().Model.BaseURL) {
		return modelChoice{baseURL: m.BaseURL, name: m.Name, key: m.APIKey}, nil
	}
	script, err := rehearsal.Load(rehearsalScript)
	if err != nil {
		return modelChoice{}, fmt.Errorf("loading the rehearsal script: %w", err)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return modelChoice{}, fmt.Errorf("starting the rehearsal model: %w", err)
	}
	serving := &http.Server{Handler: rehearsal.NewServer(script, rehearsal.Options{}), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = serving.Serve(listener) }()
	return modelChoice{
		baseURL:   "http://" + listener.Addr().String() + "/v1",
		name:      rehearsal.ModelName,
		Rehearsed: true,
		stop:      func(context.Context) error { return serving.Close() },
	}, nil
}

// notice says plainly who speaks, where it would not be clear.
func (m modelChoice) notice() string {
	if m.Rehearsed {
		return "no model is configured: a scripted rehearsal model is speaking. Set OPENAI_API_KEY, or model in drawbridge.yaml, for a real one"
	}
	return ""
}
