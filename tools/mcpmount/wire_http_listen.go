package mcpmount

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// listen reads the stream of what belongs to no request (MCP 2025-11-25,
// transports, listening for messages), as long as the server offers one. missed is
// called whenever it begins anew.
func (w *httpWire) listen(missed func()) {
	w.running.Go(func() {
		for failures := 1; w.ctx.Err() == nil; failures++ {
			began := time.Now()
			if offered := w.listenOnce(); !offered {
				return
			}
			if time.Since(began) > w.time.steady {
				failures = 1
			}
			if !sleep(w.ctx, w.time.retryIn(failures)) {
				return
			}
			missed()
		}
	})
}

// listenOnce reports whether it is worth another try.
func (w *httpWire) listenOnce() bool {
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	reached := &reach{}
	response, err := w.get(reached.trace(ctx), "")
	if err != nil {
		_ = w.failed(err, reached)
		return true
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || kind(response) != "text/event-stream" {
		return response.StatusCode >= 500
	}
	if err := w.events(response.Body, 0, &cursor{}); errors.Is(err, errTooLong) {
		w.in.ended(err)
		return false
	}
	return true
}
