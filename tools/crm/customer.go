package crm

import (
	"strings"
	"time"

	"drawbridge/tools"
)

// Stage is where a customer stands.
type Stage string

// A customer's stages.
const (
	Lead   Stage = "lead"     // has not bought yet
	Active Stage = "customer" // has bought
	Former Stage = "former"   // has left
)

// Stages lists them all.
var Stages = []Stage{Lead, Active, Former}

// Customer is one customer's profile.
type Customer struct {
	ID         string    `json:"id" jsonschema:"The customer's id." example:"cus_0190c2a45b7d7c1e8f00aa11bb22cc33"`
	Name       string    `json:"name" jsonschema:"The customer's full name." example:"Ada Lindqvist"`
	Email      string    `json:"email,omitempty" jsonschema:"The customer's email address, in lower case." example:"ada@example.com"`
	Phone      string    `json:"phone,omitempty" jsonschema:"The customer's phone number, as it was given." example:"+46 8 123 456"`
	Company    string    `json:"company,omitempty" jsonschema:"The company the customer works for." example:"Lindqvist Keramik AB"`
	ExternalID string    `json:"external_id,omitempty" jsonschema:"What a payment provider or shop calls this customer." example:"cus_demo_ada"`
	Stage      Stage     `json:"stage" jsonschema:"lead has not bought yet, customer has, former has left." enum:"lead,customer,former"`
	Note       string    `json:"note,omitempty" jsonschema:"What colleagues wrote down about the customer." example:"Prefers email."`
	CreatedAt  time.Time `json:"created_at" jsonschema:"When the record was made, RFC 3339 in UTC." format:"date-time"`
	UpdatedAt  time.Time `json:"updated_at" jsonschema:"When the record last changed, RFC 3339 in UTC." format:"date-time"`
}

// CustomerSearch finds customers.
type CustomerSearch struct {
	Query string `json:"q,omitempty" jsonschema:"Words that must all occur in the name, email, phone, company or external reference; case does not matter. Leave out to list all customers." maxLength:"200" example:"lindqvist"`
	Stage Stage  `json:"stage,omitempty" jsonschema:"Only customers in this stage." enum:"lead,customer,former"`
	tools.Page
}

// CustomerPage is one page of customers, newest first.
type CustomerPage struct {
	Customers  []Customer `json:"customers" jsonschema:"The customers found, newest first."`
	NextCursor string     `json:"next_cursor,omitempty" jsonschema:"Pass as cursor to get the next page. Absent on the last page."`
}

// CustomerRef names one customer.
type CustomerRef struct {
	Customer string `json:"customer" jsonschema:"The customer's id, email address, or external reference (such as the payment provider's customer id)." minLength:"1" maxLength:"254" example:"ada@example.com"`
}

// CustomerDraft is a customer to be created.
type CustomerDraft struct {
	Name       string `json:"name" jsonschema:"The customer's full name." minLength:"1" maxLength:"200" example:"Ada Lindqvist"`
	Email      string `json:"email,omitempty" jsonschema:"The customer's email address. No two customers share one." format:"email" maxLength:"254" example:"ada@example.com"`
	Phone      string `json:"phone,omitempty" jsonschema:"The customer's phone number, best with country code." maxLength:"200" example:"+46 8 123 456"`
	Company    string `json:"company,omitempty" jsonschema:"The company the customer works for." maxLength:"200" example:"Lindqvist Keramik AB"`
	ExternalID string `json:"external_id,omitempty" jsonschema:"What a payment provider or shop calls this customer. No two customers share one." maxLength:"200" example:"cus_demo_ada"`
	Stage      Stage  `json:"stage,omitempty" jsonschema:"lead has not bought yet, customer has, former has left." enum:"lead,customer,former" default:"lead"`
	Note       string `json:"note,omitempty" jsonschema:"What colleagues should know about the customer." maxLength:"1000" example:"Prefers email."`
}

// CustomerUpdate changes the given fields of one customer and leaves the rest.
type CustomerUpdate struct {
	Customer   string  `json:"customer" jsonschema:"The customer's id, email address, or external reference." minLength:"1" maxLength:"254" example:"ada@example.com"`
	Name       *string `json:"name,omitempty" jsonschema:"The new full name." minLength:"1" maxLength:"200" example:"Ada Lindqvist"`
	Email      *string `json:"email,omitempty" jsonschema:"The new email address. It can be replaced, not removed." format:"email" minLength:"3" maxLength:"254" example:"ada@example.com"`
	Phone      *string `json:"phone,omitempty" jsonschema:"The new phone number; an empty text removes it." maxLength:"200" example:"+46 8 123 456"`
	Company    *string `json:"company,omitempty" jsonschema:"The new company; an empty text removes it." maxLength:"200" example:"Lindqvist Keramik AB"`
	ExternalID *string `json:"external_id,omitempty" jsonschema:"The new external reference. It can be replaced, not removed." minLength:"1" maxLength:"200" example:"cus_demo_ada"`
	Stage      *Stage  `json:"stage,omitempty" jsonschema:"The new stage." enum:"lead,customer,former"`
	Note       *string `json:"note,omitempty" jsonschema:"The new note, in place of the old one; an empty text removes it." maxLength:"1000" example:"Prefers email."`
}

func (s CustomerSearch) normal() (CustomerSearch, error) {
	var f findings
	s.Query, s.Page = oneLine(s.Query), paged(s.Page)
	f.text("q", s.Query, 0, maxLine)
	optional(&f, "stage", s.Stage, Stages)
	return s, f.err()
}

func (r CustomerRef) normal() (CustomerRef, error) {
	var f findings
	r.Customer = strings.TrimSpace(r.Customer)
	f.text("customer", r.Customer, 1, maxRef)
	return r, f.err()
}

func (d CustomerDraft) normal() (CustomerDraft, error) {
	var f findings
	d.Name, d.Phone, d.Company = oneLine(d.Name), oneLine(d.Phone), oneLine(d.Company)
	d.Email, d.ExternalID, d.Note = normalEmail(d.Email), strings.TrimSpace(d.ExternalID), strings.TrimSpace(d.Note)
	if d.Stage == "" {
		d.Stage = Lead
	}
	f.text("name", d.Name, 1, maxLine)
	f.text("email", d.Email, 0, maxRef)
	f.email("email", d.Email)
	f.text("phone", d.Phone, 0, maxLine)
	f.text("company", d.Company, 0, maxLine)
	f.text("external_id", d.ExternalID, 0, maxLine)
	f.text("note", d.Note, 0, maxShort)
	oneOf(&f, "stage", d.Stage, Stages)
	return d, f.err()
}

func (u CustomerUpdate) normal() (CustomerUpdate, error) {
	var f findings
	if u == (CustomerUpdate{Customer: u.Customer}) {
		f.add("nothing to change: give at least one of name, email, phone, company, external_id, stage, note")
	}
	u.Customer = strings.TrimSpace(u.Customer)
	u.Name, u.Phone, u.Company = changed(u.Name, oneLine), changed(u.Phone, oneLine), changed(u.Company, oneLine)
	u.Email, u.ExternalID, u.Note = changed(u.Email, normalEmail), changed(u.ExternalID, strings.TrimSpace), changed(u.Note, strings.TrimSpace)
	f.text("customer", u.Customer, 1, maxRef)
	given(u.Name, func(v string) { f.text("name", v, 1, maxLine) })
	given(u.Email, func(v string) { f.text("email", v, 1, maxRef); f.email("email", v) })
	given(u.Phone, func(v string) { f.text("phone", v, 0, maxLine) })
	given(u.Company, func(v string) { f.text("company", v, 0, maxLine) })
	given(u.ExternalID, func(v string) { f.text("external_id", v, 1, maxLine) })
	given(u.Stage, func(v Stage) { oneOf(&f, "stage", v, Stages) })
	given(u.Note, func(v string) { f.text("note", v, 0, maxShort) })
	return u, f.err()
}
