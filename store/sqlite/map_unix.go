//go:build unix && !openbsd

package sqlite

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the beginning of a file into memory, so that what is written there is in the
// file for everybody, and stays if the process dies.
func mapFile(file *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func unmapFile(room []byte) error { return unix.Munmap(room) }
