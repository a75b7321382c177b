package crmtest

import (
	"drawbridge/tools"
	"drawbridge/tools/crm"
)

var customerCases = map[string]func(*bench){
	"created customer is kept as given": func(b *bench) {
		made := b.ada()
		want := crm.Customer{
			ID: made.ID, Name: "Ada Lindqvist", Email: "ada@example.com", Phone: "+46 8 555 0101", Company: "Café Nordlys",
			ExternalID: "cus_demo_ada", Stage: crm.Active, Note: "Prefers email.", CreatedAt: made.CreatedAt, UpdatedAt: made.CreatedAt,
		}
		b.same("created", made, want)
		b.same("read back", b.profile(made.ID), want)
		if made.ID == "" || made.CreatedAt.IsZero() {
			b.Errorf("a new customer has no id or no time: %+v", made)
		}
	},
	"draft is tidied and gets its defaults": func(b *bench) {
		made := b.customer(crm.CustomerDraft{Name: " Ada \n Lindqvist ", Email: "Ada@Example.com"})
		b.same("name", made.Name, "Ada Lindqvist")
		b.same("email", made.Email, "ada@example.com")
		b.same("stage", made.Stage, crm.Lead)
	},
	"is found by id, email in any case, and external id": func(b *bench) {
		ada := b.ada()
		b.bruno()
		for _, ref := range []string{ada.ID, "ada@example.com", "ADA@example.COM", "cus_demo_ada"} {
			b.same(ref, b.profile(ref), ada)
		}
	},
	"external id that equals another's id does not hide that customer": func(b *bench) {
		bruno := b.bruno()
		b.customer(crm.CustomerDraft{Name: "Mallory", ExternalID: bruno.ID})
		b.same("found", b.profile(bruno.ID), bruno)
	},
	"update changes what is given and leaves the rest": func(b *bench) {
		ada := b.ada()
		changed := call[crm.Customer](b, crm.UpdateCustomerTool, crm.CustomerUpdate{
			Customer: "ada@example.com", Email: new("ada.l@example.com"), Stage: new(crm.Former), Phone: new(""),
		})
		ada.Email, ada.Stage, ada.Phone, ada.UpdatedAt = "ada.l@example.com", crm.Former, "", changed.UpdatedAt
		b.same("changed", changed, ada)
		b.same("read back", b.profile("ada.l@example.com"), ada)
		b.same("found by its new email", namesOf(call[crm.CustomerPage](b, crm.SearchCustomersTool, crm.CustomerSearch{Query: "ada.l@"})), []string{"Ada Lindqvist"})
		refused(b, crm.GetCustomerTool, crm.CustomerRef{Customer: "ada@example.com"}, tools.NotFound)
	},
	"taken email or external id is refused with the id that has it": func(b *bench) {
		ada, bruno := b.ada(), b.bruno()
		refused(b, crm.CreateCustomerTool, crm.CustomerDraft{Name: "A", Email: "ADA@example.com"}, tools.Conflict, ada.ID, "email")
		refused(b, crm.CreateCustomerTool, crm.CustomerDraft{Name: "A", ExternalID: "cus_demo_ada"}, tools.Conflict, ada.ID, "external_id")
		refused(b, crm.UpdateCustomerTool, crm.CustomerUpdate{Customer: bruno.ID, Email: new("ada@example.com")}, tools.Conflict, ada.ID)
		b.same("bruno", b.profile(bruno.ID), bruno)
		b.same("customers", len(call[crm.CustomerPage](b, crm.SearchCustomersTool, crm.CustomerSearch{}).Customers), 2)
	},
	"may keep its own email in an update": func(b *bench) {
		ada := b.ada()
		call[crm.Customer](b, crm.UpdateCustomerTool, crm.CustomerUpdate{Customer: ada.ID, Email: new("ada@example.com"), Name: new("Ada L.")})
	},
	"many customers may lack email and external id": func(b *bench) {
		b.customer(crm.CustomerDraft{Name: "One"})
		b.customer(crm.CustomerDraft{Name: "Two"})
	},
	"search filters by stage": func(b *bench) {
		b.ada()
		b.bruno()
		found := call[crm.CustomerPage](b, crm.SearchCustomersTool, crm.CustomerSearch{Stage: crm.Lead})
		b.same("leads", namesOf(found), []string{"Bruno Okafor"})
	},
	"update without a change is refused": func(b *bench) {
		refused(b, crm.UpdateCustomerTool, crm.CustomerUpdate{Customer: b.ada().ID}, tools.Invalid, "nothing to change")
	},
}

// profile reads one customer.
func (b *bench) profile(ref string) crm.Customer {
	b.Helper()
	return call[crm.CustomerPicture](b, crm.GetCustomerTool, crm.CustomerRef{Customer: ref}).Customer
}
