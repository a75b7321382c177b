package bridge

import (
	"context"
	"encoding/json"

	"github.com/mark3labs/mcp-go/client/transport"
)

// mcp-go's client parses answers into its own types. Of a tool list it drops schema
// keywords that it does not know ($schema, allOf, if), and it refuses a whole list or
// result for one part that it cannot place. The model must see schemas as they are, and
// a call that was made is not undone by an odd result; so the bridge reads the same
// answer once more, on its way through the transport.

type overhearing struct{}

// overhear makes the raw result of requests made with the context land in raw.
func overhear(ctx context.Context, raw *json.RawMessage) context.Context {
	return context.WithValue(ctx, overhearing{}, raw)
}

// ear is a transport that lets its user overhear. It is as bidirectional and as
// picky about versions as the transport below.
type ear struct{ transport.Interface }

// httpEar is an ear on HTTP: the client sends other headers, and no notice of
// cancellation, when its transport has this method.
type httpEar struct {
	ear
	http transport.HTTPConnection
}

func listen(t transport.Interface) transport.Interface {
	if h, ok := t.(transport.HTTPConnection); ok {
		return httpEar{ear{t}, h}
	}
	return ear{t}
}

func (h httpEar) SetProtocolVersion(version string) { h.http.SetProtocolVersion(version) }

func (e ear) SendRequest(ctx context.Context, r transport.JSONRPCRequest) (*transport.JSONRPCResponse, error) {
	response, err := e.Interface.SendRequest(ctx, r)
	if raw, ok := ctx.Value(overhearing{}).(*json.RawMessage); ok && err == nil && response.Error == nil {
		*raw = response.Result
	}
	return response, err
}

func (e ear) SetRequestHandler(handler transport.RequestHandler) {
	if b, ok := e.Interface.(transport.BidirectionalInterface); ok {
		b.SetRequestHandler(handler)
	}
}

func (e ear) RequiresLegacyProtocol() bool {
	picky, ok := e.Interface.(interface{ RequiresLegacyProtocol() bool })
	return ok && picky.RequiresLegacyProtocol()
}
