package cache

import (
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"sync"
)

// board is how processes of one machine tell each other of changes: a small file, in which
// each family has a place with random bytes. Who changes a family puts others there, and all
// who look at it see that. It is read at each look-up, from memory that the operating system
// has. Two families that have the same place drop each other's answers, which does no harm.
type board struct {
	path string
	once sync.Once
	file *os.File
	err  error
}

const (
	places    = 64
	placeSize = 16
)

// open opens the file when it is first needed: whoever only looks at settings makes none.
func (b *board) open() (*os.File, error) {
	b.once.Do(func() {
		if b.file, b.err = os.OpenFile(b.path, os.O_RDWR|os.O_CREATE, 0o600); b.err == nil {
			if b.err = b.file.Chmod(0o600); b.err != nil {
				_ = b.file.Close()
			}
		}
	})
	if b.err != nil {
		return nil, fmt.Errorf("opening the file of the cache's marks: %w", b.err)
	}
	return b.file, nil
}

func place(family string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(family))
	return int64(h.Sum32()%places) * placeSize
}

// mark is what stands at the family's place.
func (b *board) mark(family string) (string, error) {
	file, err := b.open()
	if err != nil {
		return "", err
	}
	var stands [placeSize]byte
	// A place that nobody has written to yet is behind the end, or holds zeros.
	if _, err := file.ReadAt(stands[:], place(family)); err != nil && err != io.EOF {
		return "", fmt.Errorf("reading the cache's marks: %w", err)
	}
	return string(stands[:]), nil
}

// change puts another mark there.
func (b *board) change(family string) error {
	file, err := b.open()
	if err != nil {
		return err
	}
	var fresh [placeSize]byte
	_, _ = rand.Read(fresh[:]) // never fails
	if _, err := file.WriteAt(fresh[:], place(family)); err != nil {
		return fmt.Errorf("writing the cache's marks: %w", err)
	}
	return nil
}

func (b *board) close() {
	b.once.Do(func() { b.err = os.ErrClosed })
	if b.file != nil {
		_ = b.file.Close()
	}
}
