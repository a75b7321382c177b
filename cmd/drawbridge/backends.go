package main

import (
	"context"
	"fmt"
	"time"

	"drawbridge/config"
	"drawbridge/tools"
	"drawbridge/tools/crm"
	crmbuiltin "drawbridge/tools/crm/builtin"
	"drawbridge/tools/email"
	"drawbridge/tools/email/outbox"
	"drawbridge/tools/payment"
	paymentbuiltin "drawbridge/tools/payment/builtin"
	"drawbridge/tools/sqldb"
)

// schemas are the tables of the built-in backends, which live in the store's file.
var schemas = []sqldb.Schema{crmbuiltin.Schema, paymentbuiltin.Schema, outbox.Schema}

// backends are the configured backends of the tool families. This file is the only
// one that names them.
type backends struct {
	crm     *crmbuiltin.Backend
	payment *paymentbuiltin.Backend
	email   *outbox.Backend
}

func newBackends(cfg config.Tools, db sqldb.DB, now func() time.Time) (*backends, error) {
	mail, err := outbox.New(db, cfg.Email.From, now)
	if err != nil {
		return nil, fmt.Errorf("tools.email: %w", err)
	}
	return &backends{crm: crmbuiltin.New(db, now), payment: paymentbuiltin.New(db, now), email: mail}, nil
}

// catalog gathers the tools of all families.
func (b *backends) catalog() *tools.Catalog {
	return tools.NewCatalog(crm.Tools(crm.New(b.crm)), payment.Tools(payment.New(b.payment)), email.Tools(email.New(b.email)))
}

// seed fills the built-in backends with the sample company of the demo.
func (b *backends) seed(ctx context.Context) error {
	customers := func(ctx context.Context) error { return b.crm.Import(ctx, crmbuiltin.Demo(time.Now())) }
	for family, seed := range map[string]func(context.Context) error{"crm": customers, "payment": b.payment.Seed, "email": b.email.Seed} {
		if err := seed(ctx); err != nil {
			return fmt.Errorf("filling %s with sample data: %w", family, err)
		}
	}
	return nil
}
