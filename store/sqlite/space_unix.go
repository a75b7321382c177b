//go:build unix

package sqlite

import "golang.org/x/sys/unix"

// spaceAt asks the file system. What is kept for root counts as taken.
func spaceAt(folder string) (Space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return Space{}, err
	}
	block := int64(s.Bsize)
	return Space{Free: int64(s.Bavail) * block, Total: int64(s.Blocks) * block}, nil
}
