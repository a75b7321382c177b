package config

import (
	"maps"
	"slices"
)

// Callback is an address that is told the outcome of a run, in a signed request.
type Callback struct {
	// URL is https, or http to this machine.
	URL string `yaml:"url"`
	// Secret is a Standard Webhooks secret: whsec_ and base64.
	Secret Secret `yaml:"secret"`
	// Schedule holds the wait before each attempt; the first counts from the end
	// of the run. After the last one the delivery is given up.
	Schedule []Duration `yaml:"schedule"`
}

// EachCallback calls do for each callback of the settings, with the path of its section.
func (c *Config) EachCallback(do func(path string, callback Callback)) {
	for _, name := range slices.Sorted(maps.Keys(c.Webhooks)) {
		if back := c.Webhooks[name].Callback; back != nil {
			do(child("webhooks", name)+".callback", *back)
		}
	}
}
