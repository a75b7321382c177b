package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// fileLock is an advisory lock that the operating system gives back when the
// process dies, however it dies.
type fileLock struct{ lock *flock.Flock }

// lockPatience is how long whoever takes a lock bears with one that only looks whether
// somebody has it.
const lockPatience = 250 * time.Millisecond

// lockFile takes the lock at once or says who has it.
func lockFile(path string) (*fileLock, error) {
	lock := flock.New(path)
	ctx, cancel := context.WithTimeout(context.Background(), lockPatience)
	defer cancel()
	taken, err := lock.TryLockContext(ctx, 5*time.Millisecond)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("locking %q: %w", path, err)
	}
	if !taken {
		return nil, &LockedError{Path: path, Process: holder(path)}
	}
	// For the message of whoever comes second; the lock itself does not need it.
	_ = os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
	return &fileLock{lock}, nil
}

// isLocked looks whether somebody has the lock.
func isLocked(path string) (bool, error) {
	lock := flock.New(path)
	free, err := lock.TryLock()
	if err != nil {
		return false, fmt.Errorf("looking at lock %q: %w", path, err)
	}
	return !free, lock.Unlock()
}

// waitForLock waits until the lock is free.
func waitForLock(ctx context.Context, path string) (*fileLock, error) {
	lock := flock.New(path)
	if _, err := lock.TryLockContext(ctx, 5*time.Millisecond); err != nil {
		return nil, fmt.Errorf("locking %q: %w", path, err)
	}
	return &fileLock{lock}, nil
}

func (l *fileLock) release() { _ = l.lock.Unlock() }

// LockedError: another process owns the file.
type LockedError struct {
	Path    string
	Process string // its process id, "" if unknown
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.Process != "" {
		who = "process " + e.Process
	}
	return fmt.Sprintf("%s already serves from this file (lock %s): stop it, or give this one another store.url", who, e.Path)
}

func holder(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	pid := strings.TrimSpace(string(raw))
	if _, err := strconv.Atoi(pid); err != nil {
		return ""
	}
	return pid
}
