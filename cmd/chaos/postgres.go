package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"drawbridge/store/postgres/postgrestest"
)

// postgres is a server of this run's own, which comes and goes.
type postgres struct {
	server *postgrestest.Server
	url    string // of the nodes' database
}

func newPostgres(ctx context.Context) (*postgres, error) {
	server, err := postgrestest.Launch(postgrestest.Options{})
	if err != nil {
		return nil, err
	}
	p := &postgres{server: server}
	if p.url, err = server.Database(ctx); err != nil {
		server.Close()
		return nil, err
	}
	return p, nil
}

func (p *postgres) kill() error  { return p.server.Kill() }
func (p *postgres) stop() error  { return p.server.Stop() }
func (p *postgres) start() error { return p.server.Start() }
func (p *postgres) close()       { p.server.Close() }

// log copies the server's log, which goes with it.
func (p *postgres) log(to string) error {
	raw, err := os.ReadFile(p.server.Log())
	if err == nil {
		err = os.WriteFile(to, raw, 0o600)
	}
	if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
		return nil // it is the server's
	}
	if err != nil {
		return fmt.Errorf("keeping the log of PostgreSQL: %w", err)
	}
	return nil
}
