package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"drawbridge/server/callback"
	"drawbridge/server/webhook"
)

// receiver is the stranger who asked for the callback: it checks the signature as
// anybody would who knows the Standard Webhooks specification and the secret.
type receiver struct {
	url, secret string
	verifier    webhook.Verifier
	arrived     chan arrival
	http        http.Server
}

// arrival is a callback that came in.
type arrival struct {
	kind string // the message's type
	err  error  // why its signature does not hold, if so
}

func newReceiver(ctx context.Context) (*receiver, error) {
	r := &receiver{secret: callback.NewSecret(), arrived: make(chan arrival, 8)}
	var err error
	if r.verifier, err = webhook.NewVerifier("standard", []webhook.Secret{{Value: r.secret}}, webhook.SchemeOptions{}); err != nil {
		return nil, err
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the demo's receiver: %w", err)
	}
	r.url = "http://" + listener.Addr().String() + "/done"
	r.http = http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.http.Serve(listener) }()
	return r, nil
}

func (r *receiver) close() { _ = r.http.Close() }

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 64<<10))
	if err == nil {
		_, err = r.verifier.Verify(webhook.Delivery{Source: "demo", Header: req.Header, Body: body, ArrivedAt: time.Now()})
	}
	var message struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(body, &message) // a message we cannot read has no type to show
	status := http.StatusNoContent
	if err != nil {
		status = http.StatusUnauthorized
	}
	w.WriteHeader(status)
	select {
	case r.arrived <- arrival{message.Type, err}:
	default: // more than anybody asked for
	}
}

// await gives the next callback.
func (r *receiver) await(ctx context.Context) (arrival, error) {
	select {
	case got := <-r.arrived:
		return got, nil
	case <-ctx.Done():
		return arrival{}, fmt.Errorf("waiting for the callback: %w", ctx.Err())
	}
}
