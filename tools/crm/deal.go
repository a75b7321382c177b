package crm

import (
	"strings"
	"time"

	"drawbridge/tools"
)

// DealStage is how far a sale has come.
type DealStage string

// The stages of a deal. Won and lost end it.
const (
	DealLead        DealStage = "lead"
	DealQualified   DealStage = "qualified"
	DealProposal    DealStage = "proposal"
	DealNegotiation DealStage = "negotiation"
	DealWon         DealStage = "won"
	DealLost        DealStage = "lost"
)

// DealStages lists them all.
var DealStages = []DealStage{DealLead, DealQualified, DealProposal, DealNegotiation, DealWon, DealLost}

// Deal is a sale in progress, or one that was won or lost.
type Deal struct {
	ID          string    `json:"id" jsonschema:"The deal's id." example:"deal_0190c2a45b7d7c1e8f00aa11bb22cc33"`
	CustomerID  string    `json:"customer_id" jsonschema:"The customer's id." example:"cus_0190c2a45b7d7c1e8f00aa11bb22cc33"`
	Title       string    `json:"title" jsonschema:"What is to be sold, in one line." example:"Tableware for the new restaurant"`
	AmountMinor int64     `json:"amount_minor" jsonschema:"What the deal is worth, in the currency's minor unit." example:"480000"`
	Currency    string    `json:"currency" jsonschema:"The ISO 4217 code of the amount." example:"EUR"`
	Stage       DealStage `json:"stage" jsonschema:"How far the sale has come; won and lost end it." enum:"lead,qualified,proposal,negotiation,won,lost"`
	Owner       string    `json:"owner,omitempty" jsonschema:"The colleague who works on it." example:"sales@example.com"`
	CloseBy     time.Time `json:"close_by,omitzero" jsonschema:"When it should be decided, RFC 3339 in UTC; absent if open." format:"date-time"`
	CreatedAt   time.Time `json:"created_at" jsonschema:"When it was created, RFC 3339 in UTC." format:"date-time"`
	UpdatedAt   time.Time `json:"updated_at" jsonschema:"When it last changed, RFC 3339 in UTC." format:"date-time"`
}

// DealDraft is a deal to be created.
type DealDraft struct {
	Customer    string    `json:"customer" jsonschema:"The customer's id, email address, or external reference." minLength:"1" maxLength:"254" example:"ada@example.com"`
	Title       string    `json:"title" jsonschema:"What is to be sold, in one line." minLength:"1" maxLength:"200" example:"Tableware for the new restaurant"`
	AmountMinor int64     `json:"amount_minor" jsonschema:"What the deal is worth, in the currency's minor unit: 480000 is 4,800.00 EUR." minimum:"0" maximum:"9007199254740991" example:"480000"`
	Currency    string    `json:"currency" jsonschema:"The ISO 4217 code of the amount." pattern:"^[A-Z]{3}$" example:"EUR"`
	Stage       DealStage `json:"stage,omitempty" jsonschema:"How far the sale has come." enum:"lead,qualified,proposal,negotiation,won,lost" default:"lead"`
	Owner       string    `json:"owner,omitempty" jsonschema:"The colleague who works on it: a name, a team or an address." maxLength:"200" example:"sales@example.com"`
	CloseBy     time.Time `json:"close_by,omitzero" jsonschema:"When it should be decided, RFC 3339. Leave out if open." format:"date-time" example:"2026-06-30T00:00:00Z"`
}

// DealUpdate changes the given fields of one deal and leaves the rest.
type DealUpdate struct {
	Deal        string     `json:"deal" jsonschema:"The deal's id." minLength:"1" maxLength:"254" example:"deal_0190c2a45b7d7c1e8f00aa11bb22cc33"`
	Title       *string    `json:"title,omitempty" jsonschema:"The new title." minLength:"1" maxLength:"200" example:"Tableware for the new restaurant"`
	AmountMinor *int64     `json:"amount_minor,omitempty" jsonschema:"What the deal is worth now, in the currency's minor unit." minimum:"0" maximum:"9007199254740991" example:"520000"`
	Currency    *string    `json:"currency,omitempty" jsonschema:"The new ISO 4217 code. Only together with amount_minor: amounts are not converted." pattern:"^[A-Z]{3}$" example:"EUR"`
	Stage       *DealStage `json:"stage,omitempty" jsonschema:"How far the sale has come now; won and lost end it." enum:"lead,qualified,proposal,negotiation,won,lost"`
	Owner       *string    `json:"owner,omitempty" jsonschema:"Who works on it from now on; an empty text leaves it to nobody." maxLength:"200" example:"sales@example.com"`
	CloseBy     *time.Time `json:"close_by,omitempty" jsonschema:"When it should be decided now, RFC 3339." format:"date-time" example:"2026-06-30T00:00:00Z"`
}

// DealSearch finds deals.
type DealSearch struct {
	Query    string    `json:"q,omitempty" jsonschema:"Words that must all occur in the title or the customer's name, email and company; case does not matter." maxLength:"200" example:"tableware"`
	Customer string    `json:"customer,omitempty" jsonschema:"Only deals with this customer: id, email address, or external reference." maxLength:"254" example:"ada@example.com"`
	Stage    DealStage `json:"stage,omitempty" jsonschema:"Only deals in this stage." enum:"lead,qualified,proposal,negotiation,won,lost"`
	Owner    string    `json:"owner,omitempty" jsonschema:"Only those of this owner, written exactly as in the deal." maxLength:"200" example:"sales@example.com"`
	tools.Page
}

// DealPage is one page of deals, newest first.
type DealPage struct {
	Deals      []Deal `json:"deals" jsonschema:"The deals found, newest first."`
	NextCursor string `json:"next_cursor,omitempty" jsonschema:"Pass as cursor to get the next page. Absent on the last page."`
}

func (d DealDraft) normal() (DealDraft, error) {
	var f findings
	d.Customer, d.Title, d.Owner = strings.TrimSpace(d.Customer), oneLine(d.Title), oneLine(d.Owner)
	if d.Stage == "" {
		d.Stage = DealLead
	}
	f.text("customer", d.Customer, 1, maxRef)
	f.text("title", d.Title, 1, maxLine)
	f.amount(d.AmountMinor)
	f.currency(d.Currency)
	f.text("owner", d.Owner, 0, maxLine)
	oneOf(&f, "stage", d.Stage, DealStages)
	return d, f.err()
}

func (u DealUpdate) normal() (DealUpdate, error) {
	var f findings
	if u == (DealUpdate{Deal: u.Deal}) {
		f.add("nothing to change: give at least one of title, amount_minor, stage, owner, close_by")
	}
	u.Deal, u.Title, u.Owner = strings.TrimSpace(u.Deal), changed(u.Title, oneLine), changed(u.Owner, oneLine)
	f.text("deal", u.Deal, 1, maxRef)
	given(u.Title, func(v string) { f.text("title", v, 1, maxLine) })
	given(u.AmountMinor, f.amount)
	given(u.Currency, f.currency)
	given(u.Stage, func(v DealStage) { oneOf(&f, "stage", v, DealStages) })
	given(u.Owner, func(v string) { f.text("owner", v, 0, maxLine) })
	if u.Currency != nil && u.AmountMinor == nil {
		f.add("currency: give amount_minor with it; amounts are not converted")
	}
	return u, f.err()
}

func (s DealSearch) normal() (DealSearch, error) {
	var f findings
	s.Query, s.Customer = oneLine(s.Query), strings.TrimSpace(s.Customer)
	s.Owner, s.Page = oneLine(s.Owner), paged(s.Page)
	f.text("q", s.Query, 0, maxLine)
	f.text("customer", s.Customer, 0, maxRef)
	f.text("owner", s.Owner, 0, maxLine)
	optional(&f, "stage", s.Stage, DealStages)
	return s, f.err()
}
