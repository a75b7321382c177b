package config

import (
	_ "embed"
	"slices"
)

//go:embed template.yaml
var template []byte

// Template is a file to start from: every setting with its default and what it
// does, and examples that only need their comment signs removed.
func Template() []byte { return slices.Clone(template) }
