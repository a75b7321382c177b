package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// followedEvery is how often files are looked at, by those who need what they hold: whoever
// renews them need not tell us.
const followedEvery = time.Second

// followed is what some files hold, such as a certificate and its key: read at the start,
// and again when one of them was changed.
type followed[T any] struct {
	what  string // "the certificate", for the log
	files []string
	read  func() (T, error)
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex
	have    T
	seen    string // how the files stood when they were read
	refused string // how they stood when they could not be: said once
	looked  time.Time
}

// followFiles reads the files, which have to be good then. What read gives is shared: nobody
// changes it.
func followFiles[T any](log *slog.Logger, what string, read func() (T, error), files ...string) (*followed[T], error) {
	f := &followed[T]{what: what, files: files, read: read, log: log, now: time.Now}
	return f, f.load()
}

// load reads the files.
func (f *followed[T]) load() error {
	stands, err := f.stands() // before they are read: what is written meanwhile is a change
	if err != nil {
		return err
	}
	have, err := f.read()
	if err != nil {
		return err
	}
	f.have, f.seen = have, stands
	return nil
}

// stands tells whether the files were changed.
func (f *followed[T]) stands() (string, error) {
	all := ""
	for _, file := range f.files {
		info, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		all += fmt.Sprintf("%d %d ", info.Size(), info.ModTime().UnixNano())
	}
	return all, nil
}

// get is what the files hold now. Files that cannot be read, or of which one was written and
// the other not yet, leave what there is.
func (f *followed[T]) get() T {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Sub(f.looked) < followedEvery {
		return f.have
	}
	f.looked = now
	stands, err := f.stands()
	if err == nil && stands == f.seen {
		return f.have
	}
	if err == nil {
		if err = f.load(); err == nil {
			f.refused = ""
			f.log.Info("a file was changed, and is read anew", "what", f.what, "file", f.files[0])
			return f.have
		}
	}
	if key := stands + err.Error(); key != f.refused {
		f.refused = key
		f.log.Error("a file cannot be used; what was read last counts", "what", f.what, "file", f.files[0], "err", err)
	}
	return f.have
}
