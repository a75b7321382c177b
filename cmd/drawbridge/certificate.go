package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateEvery is how often the files of the certificate are looked at, by those who
// connect: whoever renews them need not tell us.
const certificateEvery = time.Second

// ownCertificate is the server's certificate as its files have it.
type ownCertificate struct {
	file, key string
	log       *slog.Logger
	now       func() time.Time

	mu      sync.Mutex
	have    *tls.Certificate
	seen    string // how the files stood when they were read
	refused string // how they stood when they could not be: said once
	looked  time.Time
}

// load reads the files.
func (o *ownCertificate) load() error {
	stands, err := o.stands()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(o.file, o.key)
	if err != nil {
		return err
	}
	o.have, o.seen = &pair, stands
	return nil
}

// stands tells whether the files were changed.
func (o *ownCertificate) stands() (string, error) {
	all := ""
	for _, file := range []string{o.file, o.key} {
		info, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		all += fmt.Sprintf("%d %d ", info.Size(), info.ModTime().UnixNano())
	}
	return all, nil
}

// get is the certificate for a connection. Files that cannot be read, or of which one was
// written and the other not yet, leave the one that there is.
func (o *ownCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if now.Sub(o.looked) < certificateEvery {
		return o.have, nil
	}
	o.looked = now
	stands, err := o.stands()
	if err == nil && stands == o.seen {
		return o.have, nil
	}
	if err == nil {
		if err = o.load(); err == nil {
			o.refused = ""
			o.log.Info("the certificate was renewed", "file", o.file)
			return o.have, nil
		}
	}
	if key := stands + err.Error(); key != o.refused {
		o.refused = key
		o.log.Error("the certificate's files cannot be used; the one read last is", "file", o.file, "err", err)
	}
	return o.have, nil
}
