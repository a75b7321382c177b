package main

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"drawbridge/config"
	"drawbridge/store/postgres/postgrestest"
)

// benchStore is one of the stores that benchmarks run on.
type benchStore struct {
	name string
	url  func(b *testing.B) config.Secret // of an empty one
}

var benchStores = []benchStore{
	{"sqlite", func(b *testing.B) config.Secret {
		return config.Secret("sqlite://" + filepath.Join(b.TempDir(), "d.db"))
	}},
	{"postgres", func(b *testing.B) config.Secret {
		url, err := benchServer(b).Database(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return config.Secret(url)
	}},
}

// launched is a PostgreSQL with its files on the disk that SQLite's are on: the one that
// tests share has them in memory.
var launched = sync.OnceValues(func() (*postgrestest.Server, error) { return postgrestest.Launch(postgrestest.Options{}) })

func benchServer(b *testing.B) *postgrestest.Server {
	b.Helper()
	server, err := launched()
	switch {
	case errors.Is(err, postgrestest.ErrMissing):
		b.Skip(err)
	case err != nil:
		b.Fatal(err)
	}
	return server
}

// onBothStores runs a benchmark on SQLite and on PostgreSQL.
func onBothStores(b *testing.B, run func(b *testing.B, store benchStore)) {
	for _, store := range benchStores {
		b.Run("store="+store.name, func(b *testing.B) { run(b, store) })
	}
}
