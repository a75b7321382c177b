package salesforce

import (
	"context"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// undecided is how far ahead the close date is of a deal for which none is given:
// Salesforce has no opportunity without one.
const undecided = 90 * 24 * time.Hour

func (b *Backend) dealFields() []string {
	fields := append([]string{"Id", "ContactId", "AccountId", "Name", "Amount", "StageName", "IsClosed", "IsWon", "CloseDate", "CreatedDate", "LastModifiedDate"},
		b.ownerFields("deal_owner", false)...)
	return selecting(b.withCurrency(append(fields, b.fields["deal_close_by"]))...)
}

func (b *Backend) deal(ctx context.Context) func(r record) crm.Deal {
	return func(r record) crm.Deal {
		d := crm.Deal{
			ID: r.text("Id"), CustomerID: customerID(r, "ContactId"), Title: r.text("Name"), Currency: b.currencyOf(r),
			AmountMinor: r.minor("Amount", b.currencyOf(r)), Stage: crm.DealLead, Owner: b.assignee(ctx, r, "deal_owner"),
			CloseBy: r.moment(b.field("deal_close_by", "CloseDate")), CreatedAt: r.moment("CreatedDate"), UpdatedAt: r.moment("LastModifiedDate"),
		}
		switch meant := b.meant(dealStage, r.text("StageName")); {
		case meant != "":
			d.Stage = crm.DealStage(meant)
		case r.flag("IsWon"):
			d.Stage = crm.DealWon
		case r.flag("IsClosed"):
			d.Stage = crm.DealLost
		}
		return d
	}
}

// inStage finds what deal reads as a stage: those that the settings do not know are won or
// lost, as Salesforce says, or at their beginning.
func (b *Backend) inStage(stage crm.DealStage) string {
	named, otherwise := "", ""
	if all := b.values[dealStage][string(stage)]; len(all) > 0 {
		named = oneOf("StageName", all)
	}
	unknown := noneOf("StageName", b.known(dealStage))
	switch stage {
	case crm.DealWon:
		otherwise = both("IsWon = true", unknown)
	case crm.DealLost:
		otherwise = both("IsClosed = true", "IsWon = false", unknown)
	case crm.DealLead:
		otherwise = both("IsClosed = false", unknown)
	case crm.DealQualified, crm.DealProposal, crm.DealNegotiation:
		if named == "" {
			return "Id = null"
		}
	}
	return either(named, otherwise)
}

// SearchDeals finds opportunities, newest first.
func (b *Backend) SearchDeals(ctx context.Context, in crm.DealSearch) (crm.DealPage, error) {
	none := crm.DealPage{Deals: []crm.Deal{}}
	var where conditions
	if err := where.words(in.Query, "Name", "Contact.Name", "Contact.Email", "Account.Name"); err != nil {
		return none, err
	}
	if err := b.ofCustomer(ctx, &where, in.Customer, "ContactId", "AccountId"); err != nil {
		return none, err
	}
	if in.Stage != "" {
		where.and(b.inStage(in.Stage))
	}
	if known, err := b.ofAssignee(ctx, &where, "deal_owner", "owner", in.Owner, false); err != nil || !known {
		return none, err
	}
	list := listing[crm.Deal]{name: "deals", object: "Opportunity", fields: b.dealFields(), key: "CreatedDate", newest: true, scan: b.deal(ctx)}
	found, next, err := list.page(ctx, b, where, in.Page)
	return crm.DealPage{Deals: found, NextCursor: next}, err
}

// CreateDeal makes an opportunity.
func (b *Backend) CreateDeal(ctx context.Context, in crm.DealDraft) (crm.Deal, error) {
	if made, err := b.before(ctx, crm.CreateDealTool, b.dealFields()); made != nil || err != nil {
		return shown(made, err, b.deal(ctx))
	}
	who, err := b.owner(ctx, in.Customer)
	if err != nil {
		return crm.Deal{}, err
	}
	body := map[string]any{"Name": in.Title, "CloseDate": date(b.now().Add(undecided))}
	put(body, "ContactId", who.contact)
	put(body, "AccountId", who.account)
	if err := b.putAmount(body, in.AmountMinor, in.Currency); err != nil {
		return crm.Deal{}, err
	}
	if body["StageName"], err = b.picked(dealStage, "stage", string(in.Stage)); err != nil {
		return crm.Deal{}, err
	}
	b.putCloseBy(body, in.CloseBy)
	if in.Owner != "" {
		if err := b.assigned(ctx, body, "deal_owner", "owner", in.Owner, false); err != nil {
			return crm.Deal{}, err
		}
	}
	made, err := b.create(ctx, crm.CreateDealTool, nil, body, b.dealFields())
	return shown(made, err, b.deal(ctx))
}

func (b *Backend) putAmount(body map[string]any, minor int64, currency string) error {
	if !b.several && currency != b.currency {
		return tools.Errorf(tools.Invalid, "currency: this Salesforce counts in %s only", b.currency)
	}
	body["Amount"] = decimal(minor, currency)
	if b.several {
		body["CurrencyIsoCode"] = currency
	}
	return nil
}

func (b *Backend) putCloseBy(body map[string]any, at time.Time) {
	if at.IsZero() {
		return
	}
	body["CloseDate"] = date(at)
	if field := b.fields["deal_close_by"]; field != "" {
		body[field] = instant(at)
	}
}

// UpdateDeal changes the given fields of an opportunity.
func (b *Backend) UpdateDeal(ctx context.Context, in crm.DealUpdate) (crm.Deal, error) {
	if !isID(in.Deal, ofDeal) {
		return crm.Deal{}, missing("deal", in.Deal, crm.SearchDealsTool)
	}
	body := map[string]any{}
	if in.Title != nil {
		body["Name"] = *in.Title
	}
	if in.AmountMinor != nil {
		currency := given(in.Currency)
		if currency == "" && !b.several {
			currency = b.currency
		}
		if currency == "" { // the deal's own
			found, err := b.query(ctx, one("Opportunity", selecting(b.withCurrency([]string{"Id"})...), idIs(in.Deal)))
			if err != nil {
				return crm.Deal{}, err
			}
			if len(found) == 0 {
				return crm.Deal{}, missing("deal", in.Deal, crm.SearchDealsTool)
			}
			currency = b.currencyOf(found[0])
		}
		if err := b.putAmount(body, *in.AmountMinor, currency); err != nil {
			return crm.Deal{}, err
		}
	}
	if in.Stage != nil {
		stored, err := b.picked(dealStage, "stage", string(*in.Stage))
		if err != nil {
			return crm.Deal{}, err
		}
		body["StageName"] = stored
	}
	b.putCloseBy(body, given(in.CloseBy))
	if in.Owner != nil {
		if err := b.assigned(ctx, body, "deal_owner", "owner", *in.Owner, false); err != nil {
			return crm.Deal{}, err
		}
	}
	changed, err := b.update(ctx, "Opportunity", in.Deal, nil, body, b.dealFields())
	if tools.CodeOf(err) == tools.NotFound {
		err = missing("deal", in.Deal, crm.SearchDealsTool)
	}
	return shown(changed, err, b.deal(ctx))
}
