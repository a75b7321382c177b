package main

import (
	"context"
	"errors"
)

type postgres struct{ url string }

func newPostgres(context.Context, string) (*postgres, error) { return nil, errors.New("not yet") }
func (p *postgres) kill() error                              { return nil }
func (p *postgres) stop() error                              { return nil }
func (p *postgres) start(context.Context) error              { return nil }
