package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"drawbridge/config"
	"drawbridge/server/egress"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/agents"
	"drawbridge/tools/crm"
	crmbuiltin "drawbridge/tools/crm/builtin"
	"drawbridge/tools/crm/hubspot"
	"drawbridge/tools/crm/salesforce"
	"drawbridge/tools/email"
	"drawbridge/tools/email/imap"
	"drawbridge/tools/email/outbox"
	"drawbridge/tools/email/smtp"
	"drawbridge/tools/notify"
	"drawbridge/tools/notify/slack"
	"drawbridge/tools/payment"
	paymentbuiltin "drawbridge/tools/payment/builtin"
	"drawbridge/tools/payment/stripe"
	"drawbridge/tools/schedule"
	shopfamily "drawbridge/tools/shop"
	"drawbridge/tools/shop/shopify"
	"drawbridge/tools/sqldb"
)

// schemas are the tables of the built-in backends, which live in the store's file.
var schemas = []sqldb.Schema{crmbuiltin.Schema, paymentbuiltin.Schema, outbox.Schema}

// components are all that has tables in the store.
func components() []sqldb.Schema {
	return append([]sqldb.Schema{state.Schema, sqldb.Effects}, schemas...)
}

// backends are the configured backends of the tool families. This file is the only
// one that names them.
type backends struct {
	crm *crmbuiltin.Backend
	// vendorCRM is there where customers are a vendor's; crm is what stands beside it, with its tables.
	vendorCRM crm.Driver
	payment   *paymentbuiltin.Backend
	email     *outbox.Backend
	// smtp is there where it is the backend of mail; email is the outbox beside it, which
	// keeps what it has.
	smtp *smtp.Backend
	// imap is the mailbox beside smtp, where there is one.
	imap *imap.Backend
	// stripe is there where it is the backend of payments; payment is the sandbox beside it.
	stripe *stripe.Backend
	// slack is there where colleagues are told something by it.
	slack *slack.Backend
	// shopify is there where there is a shop.
	shopify *shopify.Backend
	// followUps are kept by the store itself, whose dispatcher runs them.
	followUps schedule.Driver
	// runs are started for clients, once there is something that carries them.
	runs *agentRuns
}

// orderedDB is the store as built-in backends write to it where a power cut ends whoever
// has seen what it takes. Their writes do not wait for the disk: behind each comes the row
// of the audit, or the result in a run's journal, which nobody learns of before it is on
// disk, and that is never there without the write before it.
type orderedDB struct{ *state.Store }

func (o orderedDB) Write(ctx context.Context, fn func(tx sqldb.Tx) error) error {
	return o.Do(ctx, state.How{Relaxed: true}, fn)
}

func newBackends(cfg config.Tools, store *state.Store, rules *egress.Rules, now func() time.Time) (*backends, error) {
	var db sqldb.DB = orderedDB{store}
	if !store.Alone() {
		db = patientDB{store}
	}
	mail, err := outbox.New(db, cfg.Email.From, now)
	if err != nil {
		return nil, fmt.Errorf("tools.email: %w", err)
	}
	b := &backends{crm: crmbuiltin.New(db, now), payment: paymentbuiltin.New(db, now), email: mail, followUps: store, runs: &agentRuns{}}
	if p := cfg.Payment; p.Backend == "stripe" {
		url := cmp.Or(p.BaseURL, stripe.DefaultURL)
		b.stripe, err = stripe.New(stripe.Settings{Key: p.Key.Reveal(), URL: url, PerSecond: p.RequestsPerSecond, Client: vendorClient(rules, url), Now: now})
		if err != nil {
			return nil, fmt.Errorf("tools.payment: %w", err)
		}
	}
	if cfg.CRM.Backend == "hubspot" {
		if b.vendorCRM, err = newHubSpot(*cfg.CRM.HubSpot, rules, now); err != nil {
			return nil, fmt.Errorf("tools.crm: %w", err)
		}
	}
	if cfg.CRM.Backend == "salesforce" {
		if b.vendorCRM, err = newSalesforce(*cfg.CRM.Salesforce, rules, now); err != nil {
			return nil, fmt.Errorf("tools.crm: %w", err)
		}
	}
	if cfg.Email.Backend == "smtp" {
		if cfg.Email.IMAP != nil {
			if b.imap, err = newIMAP(cfg.Email, rules, now); err != nil {
				return nil, fmt.Errorf("tools.email: %w", err)
			}
		}
		if b.smtp, err = newSMTP(cfg.Email, b.imap, rules, now); err != nil {
			return nil, fmt.Errorf("tools.email: %w", err)
		}
	}
	if n := cfg.Notify; n.Backend == "slack" {
		url := cmp.Or(n.BaseURL, slack.DefaultURL)
		b.slack, err = slack.New(slack.Settings{Token: n.Token.Reveal(), URL: url, Outside: n.External, Broadcasts: n.Broadcast, Client: vendorClient(rules, url), Now: now})
		if err != nil {
			return nil, fmt.Errorf("tools.notify: %w", err)
		}
	}
	if s := cfg.Shop; s.Backend == "shopify" {
		b.shopify, err = shopify.New(shopify.Settings{URL: s.URL(), Token: s.Token.Reveal(), ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(), Client: vendorClient(rules, s.URL()), Now: now})
		if err != nil {
			return nil, fmt.Errorf("tools.shop: %w", err)
		}
	}
	return b, nil
}

func newHubSpot(cfg config.HubSpot, rules *egress.Rules, now func() time.Time) (*hubspot.Backend, error) {
	url := cmp.Or(cfg.BaseURL, hubspot.DefaultURL)
	return hubspot.New(hubspot.Settings{Token: cfg.Token.Reveal(), URL: url, PerSecond: cfg.RequestsPerSecond, Client: vendorClient(rules, url), Now: now, Mapping: hubspot.Mapping{
		Currency: cfg.Currency, Properties: cfg.Properties,
		Customers: hubspot.Pipeline{Stages: cfg.Customers.Stages},
		Deals:     hubspot.Pipeline{ID: cfg.Deals.Pipeline, Stages: cfg.Deals.Stages},
		Tickets:   hubspot.Pipeline{ID: cfg.Tickets.Pipeline, Stages: cfg.Tickets.Stages},
		Orders:    hubspot.Pipeline{Stages: cfg.Orders.Stages},
	}})
}

func newSalesforce(cfg config.Salesforce, rules *egress.Rules, now func() time.Time) (*salesforce.Backend, error) {
	return salesforce.New(salesforce.Settings{
		URL: cfg.URL, ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret.Reveal(), PrivateKey: cfg.PrivateKey.Reveal(), Username: cfg.Username, Audience: cfg.Audience,
		Currency: cfg.Currency, Several: cfg.Multicurrency, ExternalID: cfg.ExternalID, Fields: cfg.Fields, Values: cfg.Values,
		PerSecond: cfg.RequestsPerSecond, Reserve: cfg.ReservePercent(), Client: vendorClient(rules, cfg.URL), Now: now,
	})
}

func newIMAP(cfg config.EmailBackend, rules *egress.Rules, now func() time.Time) (*imap.Backend, error) {
	own, err := email.ParseAddress("from", cfg.From)
	if err != nil {
		return nil, err
	}
	i := *cfg.IMAP
	s := imap.Settings{Address: i.Address, TLS: imap.TLS(i.Security()), Auth: imap.Auth(i.Way()), Username: i.Username, Password: i.Password.Reveal(),
		Own: own.Address, Folders: i.Searched(), Sent: i.Sent, Dial: mailDialer(rules, i.Address), Now: now}
	if i.CA != "" {
		if s.Roots, err = rootsIn(i.CA); err != nil {
			return nil, fmt.Errorf("reading the authorities of the mailbox's server: %w", err)
		}
	}
	return imap.New(s)
}

func newSMTP(cfg config.EmailBackend, inbox *imap.Backend, rules *egress.Rules, now func() time.Time) (*smtp.Backend, error) {
	s := smtp.Settings{From: cfg.From, Address: cfg.SMTP.Address, TLS: smtp.TLS(cfg.SMTP.Security()), Auth: smtp.Auth(cfg.SMTP.Way()),
		Username: cfg.SMTP.Username, Password: cfg.SMTP.Password.Reveal(), Dial: mailDialer(rules, cfg.SMTP.Address), Now: now}
	if inbox != nil {
		s.Inbox = inbox
	}
	if cfg.SMTP.CA != "" {
		var err error
		if s.Roots, err = rootsIn(cfg.SMTP.CA); err != nil {
			return nil, fmt.Errorf("reading the authorities of the mail server: %w", err)
		}
	}
	if d := cfg.SMTP.DKIM; d != nil {
		s.DKIM = &smtp.DKIM{Domain: cfg.SigningDomain(), Selector: d.Selector, Key: d.Key.Reveal()}
	}
	return smtp.New(s)
}

// mailer is what mail goes out by.
func (b *backends) mailer() email.Sender {
	switch {
	case b.imap != nil:
		return mailServers{b.smtp, b.imap}
	case b.smtp != nil:
		return b.smtp
	}
	return b.email
}

// mailServers are what mail goes out by and where it is read.
type mailServers struct {
	email.Sender
	email.Inbox
}

// mail are the tools of the email family. Those of a mail server are not inward.
func (b *backends) mail() []tools.Tool {
	list := email.Tools(email.New(b.mailer()))
	if b.smtp != nil {
		return list
	}
	return tools.Inward(list)
}

// close ends the connections that backends keep.
func (b *backends) close() {
	if b.smtp != nil {
		b.smtp.Close()
	}
	if b.imap != nil {
		b.imap.Close()
	}
}

// payments are the tools of the payment family. Those of a vendor are not inward.
func (b *backends) payments() []tools.Tool {
	if b.stripe != nil {
		return payment.Tools(payment.New(b.stripe))
	}
	return tools.Inward(payment.Tools(payment.New(b.payment)))
}

// notices are the tools of the notify family: none without a backend.
func (b *backends) notices() []tools.Tool {
	if b.slack == nil {
		return nil
	}
	return notify.Tools(notify.New(b.slack))
}

// shop are the tools of the shop family: none without a backend.
func (b *backends) shop() []tools.Tool {
	if b.shopify == nil {
		return nil
	}
	return shopfamily.Tools(shopfamily.New(b.shopify))
}

// setCRMToken has the CRM asked with another token from now on.
func (b *backends) setCRMToken(token string) {
	if h, ok := b.vendorCRM.(*hubspot.Backend); ok {
		h.SetToken(token)
	}
}

// setSalesforce has us sign in by other credentials from now on.
func (b *backends) setSalesforce(cfg config.Salesforce) error {
	s, ok := b.vendorCRM.(*salesforce.Backend)
	if !ok {
		return nil
	}
	return s.SetCredentials(cfg.ClientSecret.Reveal(), cfg.PrivateKey.Reveal())
}

// customers are the tools of the crm family: those that its backend offers. A vendor's are not
// inward.
func (b *backends) customers() []tools.Tool {
	if b.vendorCRM != nil {
		return crm.Tools(crm.New(b.vendorCRM))
	}
	return tools.Inward(crm.Tools(crm.New(b.crm)))
}

// catalog gathers the tools of all families.
func (b *backends) catalog() *tools.Catalog {
	return tools.NewCatalog(b.customers(), b.payments(), b.mail(), b.notices(), b.shop(),
		schedule.Tools(schedule.New(b.followUps)), agents.Tools(b.runs), suite.tools())
}

// definitions are the tools of all families that the settings offer, as their backends make
// them, without anything behind them: nobody is signed in to, and whoever called one would
// find nothing. A replay and the rules are held against what would really be called: which
// tools a vendor has, which honour keys, and what is done where an outcome is not known.
func definitions(cfg config.Tools) *tools.Catalog {
	b, nobody := &backends{}, &http.Client{Transport: nowhere{}}
	// None fails: each has all that it needs.
	if cfg.Payment.Backend == "stripe" {
		b.stripe, _ = stripe.New(stripe.Settings{Key: "sk_test_nobody", Client: nobody})
	}
	switch cfg.CRM.Backend {
	case "hubspot":
		b.vendorCRM, _ = hubspot.New(hubspot.Settings{Token: "nobody", Client: nobody})
	case "salesforce":
		s, err := salesforce.New(salesforce.Settings{URL: "https://nobody.invalid", ClientID: "nobody", ClientSecret: "nobody", ExternalID: cfg.CRM.Salesforce.ExternalID, Client: nobody})
		if err == nil { // with an object that does not exist no program starts
			b.vendorCRM = s
		}
	}
	if cfg.Email.Backend == "smtp" {
		b.smtp, _ = smtp.New(smtp.Settings{From: "nobody@nobody.invalid", Address: "localhost:25"})
		if cfg.Email.IMAP != nil {
			b.imap, _ = imap.New(imap.Settings{Address: "localhost:143", Folders: []string{"INBOX"}})
		}
	}
	if n := cfg.Notify; n.Backend == "slack" {
		b.slack, _ = slack.New(slack.Settings{Token: "xoxb-nobody", Outside: n.External, Broadcasts: n.Broadcast, Client: nobody})
	}
	if cfg.Shop.Backend == "shopify" {
		b.shopify, _ = shopify.New(shopify.Settings{URL: "https://nobody.invalid", Token: "nobody", Client: nobody})
	}
	return b.catalog()
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
