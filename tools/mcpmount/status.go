package mcpmount

import "time"

// State is where a mount stands with its server.
type State string

const (
	Starting State = "starting" // connecting, or reading the first list
	Ready    State = "ready"
	Waiting  State = "waiting" // for the next attempt
	Stopped  State = "stopped" // not run yet, or not any more
)

// Status is what there is to say of a mount. It holds no secret; texts of the
// server's are cut short, and are outsiders' text.
type Status struct {
	Name  string
	Kind  string // "MCP server", "REST API"
	State State
	Since time.Time
	// LastError is why the last connection ended or did not come about.
	LastError string
	// Server and Version are what the server calls itself.
	Server, Version string
	// Protocol is the version of MCP that was agreed on.
	Protocol string
	// Offered is how many tools are on offer, Restarts how many connections ended.
	Offered, Restarts int
	Held              []Held
	LeftOut           []LeftOut
}

// Held is a tool that waits for a person's word.
type Held struct {
	Tool string // as it would be offered: Name__tool
	Why  string
	// Was is what was accepted, empty for a new tool; Is, what the server lists now.
	Was, Is Definition
}

// LeftOut is a tool that cannot be offered.
type LeftOut struct {
	Tool string // the server's own name, or its place in the list
	Why  string
}
