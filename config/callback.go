package config

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
