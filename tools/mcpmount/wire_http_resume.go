package mcpmount

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// Bounds of the wait before a stream is taken up again: the server says how long,
// but is not believed without end.
const (
	defaultResume = time.Second
	minResume     = 10 * time.Millisecond
	maxResume     = 30 * time.Second
)

// resume takes up a response that ended, or broke, before the answer to its request:
// a server may let go of us on purpose and have us come back (MCP 2025-11-25,
// transports, resumability). It goes on until ctx ends, which it does with the
// answer; cause is why the response ended.
func (w *httpWire) resume(ctx context.Context, p parcel, at *cursor, cause error) error {
	for {
		if errors.Is(cause, errTooLong) || p.id == 0 {
			return cause
		}
		wait := defaultResume
		if at.retry > 0 {
			wait = min(max(at.retry, minResume), maxResume)
		}
		if !sleep(ctx, wait) {
			return cause
		}
		response, err := w.get(ctx, at.id)
		if err != nil {
			return cause
		}
		if response.StatusCode != http.StatusOK || kind(response) != "text/event-stream" {
			_ = response.Body.Close()
			return cause
		}
		before := at.id
		cause = w.events(response.Body, p.id, at)
		_ = response.Body.Close()
		if at.id == before {
			return errNoAnswer // it has nothing new to say, and would not have next time
		}
	}
}

// get opens a stream, after the event given, if any.
func (w *httpWire) get(ctx context.Context, after string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.settings.URL, nil)
	if err != nil {
		return nil, err
	}
	w.dress(request, nil)
	request.Header.Set("Accept", "text/event-stream")
	if after != "" {
		request.Header.Set(mcp.HeaderLastEventID, after)
	}
	return w.client.Do(request)
}
