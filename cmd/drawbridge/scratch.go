package main

import (
	"fmt"
	"os"
	"path/filepath"

	"drawbridge/config"
)

// scratchStore gives the settings with their store in a temporary folder, and a
// function that removes it.
func scratchStore(cfg *config.Config) (*config.Config, func(), error) {
	folder, err := os.MkdirTemp("", "drawbridge-")
	if err != nil {
		return nil, nil, fmt.Errorf("making a temporary store: %w", err)
	}
	scratch := *cfg
	scratch.Store.URL = config.Secret("sqlite://" + filepath.Join(folder, "drawbridge.db"))
	return &scratch, func() { _ = os.RemoveAll(folder) }, nil
}
