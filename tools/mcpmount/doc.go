// Package mcpmount puts the tools of other people's MCP servers among our own.
//
// A [Mount] keeps one server running and connected: a child process on stdio
// (process.go, wire_stdio.go) or an address over streamable HTTP or the older SSE
// (wire_http.go, wire_sse.go). On any of these wires a conn (conn.go) matches
// requests (exchange.go) with what comes in (incoming.go); handshake.go agrees on one
// of the protocol's two eras, stateless.go is the newer. Run (run.go) connects, lists,
// follows and reconnects until it is told to stop.
//
// The server's list is read as it is on the wire (list.go), judged (judge.go) and
// offered as [tools.Tool] under the mount's name (offer.go). A definition is what a
// model acts on, so it is pinned: the first list of a server is taken on trust and
// kept in a [Book]; whatever differs from it later is held back until a person has
// accepted it (pin.go). A new tool as well: a server that grows one under us can do as
// much harm by it.
//
// A call (call.go) goes out once. If its answer is lost, outcome.go decides what can
// be said of it: a read did nothing; of anything else nobody knows. Progress and
// questions (dialogue.go) go to the caller of the call that they belong to.
//
// The server is not trusted: it may hang, flood, die or lie. Messages, lists, logs
// and the number of requests served at once are bounded, each mount has goroutines
// of its own, and nothing waits for a server but the calls made to it.
//
// Open doubts: what a child starts of its own outlives us if we are killed and it
// does not mind the end of its input; a question that comes while several calls are
// under way on stdio or SSE reaches nobody.
package mcpmount
