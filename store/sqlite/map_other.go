//go:build !unix || openbsd

package sqlite

import (
	"errors"
	"os"
)

// mapFile is not to be had here: what one process writes to a map, another need not find at
// once when it reads the file.
func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) error { return nil }
