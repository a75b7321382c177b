package tools

// Gaps is fulfilled by a backend whose vendor cannot do all of its family.
type Gaps interface {
	// NotOffered gives the names of the tools that the vendor has nothing behind, each with the
	// reason, in a sentence for whoever chooses a backend. A tool that the backend neither offers
	// nor names here is one that it does not do yet.
	NotOffered() map[string]string
}
