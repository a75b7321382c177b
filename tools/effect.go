package tools

// Effect says what a call may change. It is ours: never taken from a vendor's
// hints, which are sometimes wrong (a refund marked harmless). The guard decides
// by it and MCP annotations are derived from it.
type Effect string

const (
	// Read changes nothing; it may be repeated and run beside other reads.
	Read Effect = "read"
	// Write changes records inside the company's own systems.
	Write Effect = "write"
	// Message leaves the company: mail, chat, anything a person outside receives.
	Message Effect = "message"
	// Money moves money, or promises to.
	Money Effect = "money"
)

// Valid reports whether e is one of the four effects.
func (e Effect) Valid() bool {
	switch e {
	case Read, Write, Message, Money:
		return true
	}
	return false
}
