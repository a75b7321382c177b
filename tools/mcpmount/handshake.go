package mcpmount

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mark3labs/mcp-go/mcp"
)

const (
	methodInitialize   = string(mcp.MethodInitialize)
	methodDiscover     = string(mcp.MethodServerDiscover)
	methodListen       = string(mcp.MethodSubscriptionsListen)
	methodList         = string(mcp.MethodToolsList)
	methodCall         = string(mcp.MethodToolsCall)
	methodPing         = string(mcp.MethodPing)
	methodElicit       = string(mcp.MethodElicitationCreate)
	methodInitialized  = "notifications/initialized"
	methodCancelled    = "notifications/cancelled"
	methodProgress     = "notifications/progress"
	methodListChanged  = mcp.MethodNotificationToolsListChanged
	codeMethodNotFound = mcp.METHOD_NOT_FOUND
	codeInvalidParams  = mcp.INVALID_PARAMS
)

// peer is what a server says of itself.
type peer struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// What we say of ourselves. Questions are passed on to the caller of the call they
// belong to; sampling and roots are not offered.
var (
	ourInfo         = object{"name": "drawbridge", "version": "1"}
	ourCapabilities = object{"elicitation": object{"form": object{}, "url": object{}}}
)

// shake agrees on a version. Nearly every server knows initialize; one that only
// knows the stateless protocol of 2026-07-28 says so, and is asked the new way.
func (c *conn) shake(ctx context.Context) error {
	err := c.initialize(ctx)
	var said *rpcError
	if !errors.As(err, &said) {
		return err
	}
	if modern := c.discover(ctx); modern != nil {
		return fmt.Errorf("%w (nor does it speak %s: %w)", err, mcp.ProtocolVersion20260728, modern)
	}
	return nil
}

func (c *conn) initialize(ctx context.Context) error {
	raw, err := c.ask(ctx, request{method: methodInitialize, params: object{
		"protocolVersion": mcp.LATEST_LEGACY_PROTOCOL_VERSION,
		"clientInfo":      ourInfo,
		"capabilities":    ourCapabilities,
	}})
	if err != nil {
		return fmt.Errorf("initializing: %w", err)
	}
	var result struct {
		Version string `json:"protocolVersion"`
		Server  peer   `json:"serverInfo"`
	}
	if err := json.Unmarshal(raw, &result); err != nil || result.Version == "" {
		return errors.New("initializing: the server's answer names no protocol version")
	}
	if !mcp.IsValidProtocolVersion(result.Version) || mcp.IsModernProtocol(result.Version) {
		return fmt.Errorf("initializing: the server wants protocol %q, which is not known here", c.clean.line(result.Version, 40))
	}
	c.settle(result.Version, result.Server)
	if err := c.notify(ctx, methodInitialized, nil); err != nil {
		return fmt.Errorf("initializing: %w", err)
	}
	return nil
}

// discover begins the stateless way (MCP 2026-07-28, server/discover).
func (c *conn) discover(ctx context.Context) error {
	c.settle(mcp.ProtocolVersion20260728, peer{})
	raw, err := c.ask(ctx, request{method: methodDiscover})
	if err != nil {
		c.unsettle()
		return fmt.Errorf("discovering: %w", err)
	}
	var result struct {
		Meta map[string]json.RawMessage `json:"_meta"`
	}
	_ = json.Unmarshal(raw, &result) // its name is all we want of it
	var server peer
	_ = json.Unmarshal(result.Meta[mcp.MetaKeyServerInfo], &server)
	c.settle(mcp.ProtocolVersion20260728, server)
	return nil
}

func (c *conn) settle(version string, server peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version, c.modern = version, mcp.IsModernProtocol(version)
	c.server = peer{Name: c.clean.line(server.Name, 100), Version: c.clean.line(server.Version, 40)}
	c.wire.agreed(version)
}

func (c *conn) unsettle() { c.settle("", peer{}) }

func (c *conn) agreed() (version string, modern bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version, c.modern
}
