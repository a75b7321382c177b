package hubspot

import (
	"cmp"
	"context"

	"drawbridge/tools/crm"
)

var dealProperties = []string{"dealname", "amount", "deal_currency_code", "pipeline", "dealstage", "hs_is_closed", "hs_is_closed_won", ownerProperty, "closedate", "createdate", "hs_lastmodifieddate"}

// dealStage is what the mapping says of a deal's stage, or else what HubSpot says of it.
func (b *Backend) dealStage(r row) crm.DealStage {
	if stage := b.mapping.Deals.status(r.is("dealstage")); stage != "" {
		return crm.DealStage(stage)
	}
	switch {
	case r.is("hs_is_closed_won") == "true":
		return crm.DealWon
	case r.is("hs_is_closed") == "true":
		return crm.DealLost
	}
	return crm.DealLead
}

func (b *Backend) dealOf(r row, owner string) crm.Deal {
	currency := cmp.Or(r.is("deal_currency_code"), b.mapping.Currency)
	return crm.Deal{ID: r.ID, CustomerID: r.contact, Title: r.is("dealname"), AmountMinor: minor(r.is("amount"), currency), Currency: currency,
		Stage: b.dealStage(r), Owner: owner, CloseBy: r.time("closedate"), CreatedAt: r.created(), UpdatedAt: r.updated()}
}

func (b *Backend) writtenDeal(ctx context.Context, r row) crm.Deal {
	return b.dealOf(r, b.ownerOf(ctx, r))
}

// CreateDeal makes a deal.
func (b *Backend) CreateDeal(ctx context.Context, in crm.DealDraft) (crm.Deal, error) {
	customer, err := b.personID(ctx, in.Customer)
	if err != nil {
		return crm.Deal{}, err
	}
	owner, err := b.assigned(ctx, "owner", in.Owner)
	if err != nil {
		return crm.Deal{}, err
	}
	stage, err := b.mapping.Deals.stage("stage", string(in.Stage), "deals")
	if err != nil {
		return crm.Deal{}, err
	}
	written := map[string]string{"dealname": in.Title, "amount": major(in.AmountMinor, in.Currency), "pipeline": b.mapping.Deals.ID, "dealstage": stage}
	if in.Currency != b.mapping.Currency { // an account with one currency knows no other, and names none
		written["deal_currency_code"] = in.Currency
	}
	if owner != "" {
		written[ownerProperty] = owner
	}
	if !in.CloseBy.IsZero() {
		written["closedate"] = stamp(in.CloseBy)
	}
	made, err := b.create(ctx, deals, customer, written)
	if err != nil {
		return crm.Deal{}, err
	}
	return b.writtenDeal(ctx, row{record: merged(made, written), object: deals, contact: customer}), nil
}

// UpdateDeal changes a deal.
func (b *Backend) UpdateDeal(ctx context.Context, in crm.DealUpdate) (crm.Deal, error) {
	before, err := b.one(ctx, deals, in.Deal, dealProperties, "deal", crm.SearchDealsTool)
	if err != nil {
		return crm.Deal{}, err
	}
	written, err := b.dealChanges(ctx, before, in)
	if err != nil {
		return crm.Deal{}, err
	}
	if len(written) == 0 {
		return b.writtenDeal(ctx, before), nil
	}
	changed, err := b.update(ctx, deals, before.ID, written)
	if err != nil {
		return crm.Deal{}, err
	}
	after := before
	after.record = merged(changed, before.values(), written)
	return b.writtenDeal(ctx, after), nil
}

func (b *Backend) dealChanges(ctx context.Context, before row, in crm.DealUpdate) (written map[string]string, err error) {
	written = map[string]string{}
	if in.Title != nil {
		written["dealname"] = *in.Title
	}
	if in.AmountMinor != nil {
		currency := cmp.Or(given(in.Currency), before.is("deal_currency_code"), b.mapping.Currency)
		written["amount"] = major(*in.AmountMinor, currency)
		if currency != cmp.Or(before.is("deal_currency_code"), b.mapping.Currency) {
			written["deal_currency_code"] = currency
		}
	}
	if in.Stage != nil && *in.Stage != b.dealStage(before) {
		if written["dealstage"], err = b.mapping.Deals.stage("stage", string(*in.Stage), "deals"); err != nil {
			return nil, err
		}
	}
	if in.Owner != nil {
		if written[ownerProperty], err = b.assigned(ctx, "owner", *in.Owner); err != nil {
			return nil, err
		}
	}
	if in.CloseBy != nil {
		written["closedate"] = stamp(*in.CloseBy)
	}
	return written, nil
}

// SearchDeals finds deals, the newest first.
func (b *Backend) SearchDeals(ctx context.Context, in crm.DealSearch) (crm.DealPage, error) {
	customer, err := b.personID(ctx, in.Customer)
	if err != nil {
		return crm.DealPage{}, err
	}
	owner, none, err := b.assignee(ctx, in.Owner)
	if err != nil || none {
		return crm.DealPage{Deals: []crm.Deal{}}, err
	}
	l := listing[crm.Deal]{
		name: "deals", page: in.Page, contact: customer, look: b.whose(in.Query != ""),
		sources: []source{{object: deals, properties: dealProperties, sort: "createdate", groups: b.dealConditions(in.Stage, owner), exact: in.Query == "" && in.Stage != crm.DealLost}},
		fits: func(r row) bool {
			return (in.Stage == "" || b.dealStage(r) == in.Stage) && (owner == "" || r.is(ownerProperty) == owner)
		},
		says: func(r row) bool {
			return holds(in.Query, r.is("dealname"), nameOf(r.person), r.person.is("email"), r.person.is("company"))
		},
		show: func(ctx context.Context, rows []row) ([]crm.Deal, error) {
			names, err := b.ownersOf(ctx, rows)
			list := []crm.Deal{}
			for _, r := range rows {
				list = append(list, b.dealOf(r, names[r.is(ownerProperty)]))
			}
			return list, err
		},
	}
	list, next, err := l.run(ctx, b)
	return crm.DealPage{Deals: list, NextCursor: next}, err
}

// dealConditions are what HubSpot is asked for: the stages that the mapping names, and of
// those that it does not name, what HubSpot says is won or closed.
func (b *Backend) dealConditions(stage crm.DealStage, owner string) [][]filter {
	var groups [][]filter
	if stage != "" {
		if named := b.mapping.Deals.among("dealstage", string(crm.DealLead), string(stage)); named != nil {
			groups = append(groups, named)
		}
		if closed, is := map[crm.DealStage]string{crm.DealWon: "hs_is_closed_won", crm.DealLost: "hs_is_closed"}[stage]; is {
			groups = append(groups, []filter{{Property: closed, Operator: "EQ", Value: "true"}})
		}
	}
	if owner == "" {
		return groups
	}
	if len(groups) == 0 {
		groups = [][]filter{nil}
	}
	for i := range groups {
		groups[i] = append(groups[i], filter{Property: ownerProperty, Operator: "EQ", Value: owner})
	}
	return groups
}
