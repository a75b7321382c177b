package hubspot

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// A customer is a contact.

const lifeCycle = "lifecyclestage"

// contactProperties are those that a customer's record is made of.
func (b *Backend) contactProperties() []string {
	return b.withPlaces([]string{"firstname", "lastname", "email", "phone", "company", "associatedcompanyid", lifeCycle, "createdate"}, PlaceExternalID, PlaceCustomerNote)
}

// contactRecords reads contacts by id.
func (b *Backend) contactRecords(ctx context.Context, ids []string) ([]record, error) {
	found, err := b.batchRead(ctx, contacts, ids, b.contactProperties())
	if err != nil {
		return nil, err
	}
	return found, b.employers(ctx, found)
}

// employers fills in the name of the company that a contact is associated with, where the
// contact has no company of its own: one request for all of them.
func (b *Backend) employers(ctx context.Context, found []record) error {
	var ids []string
	for _, r := range found {
		if id := r.is("associatedcompanyid"); id != "" && r.is("company") == "" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	firms, err := b.batchRead(ctx, companies, ids, []string{"name"})
	if err != nil {
		return err
	}
	for _, firm := range firms {
		for _, r := range found {
			if name := firm.is("name"); r.is("associatedcompanyid") == firm.ID && r.is("company") == "" {
				r.Properties["company"] = &name
			}
		}
	}
	return nil
}

func (b *Backend) customerOf(r record) crm.Customer {
	return crm.Customer{
		ID: r.ID, Name: nameOf(r), Email: strings.ToLower(r.is("email")), Phone: r.is("phone"), Company: r.is("company"),
		ExternalID: r.is(b.place(PlaceExternalID)), Stage: b.stageOf(r), Note: r.is(b.place(PlaceCustomerNote)), CreatedAt: r.created(), UpdatedAt: r.updated(),
	}
}

func nameOf(r record) string {
	name := strings.TrimSpace(r.is("firstname") + " " + r.is("lastname"))
	return cmp.Or(name, r.is("email"), "contact "+r.ID)
}

func (b *Backend) stageOf(r record) crm.Stage {
	return crm.Stage(cmp.Or(b.mapping.Customers.status(r.is(lifeCycle)), string(crm.Lead)))
}

// nameProperties are a name as HubSpot keeps it.
func nameProperties(properties map[string]string, name string) {
	properties["firstname"], properties["lastname"], _ = strings.Cut(name, " ")
}

// person finds a contact by its id, address or external id.
func (b *Backend) person(ctx context.Context, ref string) (record, error) {
	var ways []func() (record, error)
	if numeric(ref) {
		ways = append(ways, func() (record, error) { return b.get(ctx, contacts, ref, b.contactProperties()) })
	}
	if strings.Contains(ref, "@") {
		ways = append(ways, func() (record, error) { return b.named(ctx, contacts, "email", ref, b.contactProperties()) })
	}
	if name := b.place(PlaceExternalID); name != "" {
		ways = append(ways, func() (record, error) { return b.named(ctx, contacts, name, ref, b.contactProperties()) })
	}
	for _, look := range ways {
		found, err := look()
		if err == nil {
			b.met.note(found.ID, b.now())
			return found, b.employers(ctx, []record{found})
		}
		if !missing(err) {
			return record{}, err
		}
	}
	return record{}, tools.Errorf(tools.NotFound, "no customer with the id, email address or external reference %q. Look with %s.", ref, crm.SearchCustomersTool)
}

// personID is the id of a contact that a call names; "" if it names none.
func (b *Backend) personID(ctx context.Context, ref string) (string, error) {
	if ref == "" || b.met.lately(ref, b.now()) {
		return ref, nil
	}
	found, err := b.person(ctx, ref)
	return found.ID, err
}

// Customer finds one.
func (b *Backend) Customer(ctx context.Context, ref string) (crm.Customer, error) {
	found, err := b.person(ctx, ref)
	if err != nil {
		return crm.Customer{}, err
	}
	return b.customerOf(found), nil
}

// SearchCustomers finds customers.
func (b *Backend) SearchCustomers(ctx context.Context, in crm.CustomerSearch) (crm.CustomerPage, error) {
	l := listing[crm.Customer]{
		name: "customers", page: in.Page,
		sources: []source{{
			object: contacts, properties: b.contactProperties(), sort: "createdate",
			groups: b.contactConditions(in), exact: in.Query == "" && in.Stage != crm.Lead,
		}},
		fits: func(r row) bool { return in.Stage == "" || b.stageOf(r.record) == in.Stage },
		look: func(ctx context.Context, rows []row) error {
			records := make([]record, len(rows))
			for i, r := range rows {
				records[i] = r.record
			}
			return b.employers(ctx, records)
		},
		says: func(r row) bool { return holds(in.Query, b.about(r.record)...) },
		show: func(_ context.Context, rows []row) ([]crm.Customer, error) {
			list := []crm.Customer{}
			for _, r := range rows {
				list = append(list, b.customerOf(r.record))
			}
			return list, nil
		},
	}
	list, next, err := l.run(ctx, b)
	return crm.CustomerPage{Customers: list, NextCursor: next}, err
}

// contactConditions are what HubSpot is asked for. It takes five groups, so that where six
// properties could hold a word, the least likely is left out: numbers are seldom in the
// name of a company, words never in a phone number.
func (b *Backend) contactConditions(in crm.CustomerSearch) [][]filter {
	var stage []filter
	if in.Stage != "" && in.Stage != crm.Lead { // a contact without a stage counts as a lead, and no condition finds those
		stage = b.mapping.Customers.among(lifeCycle, string(crm.Lead), string(in.Stage))
	}
	word, properties := token(in.Query), []string{"firstname", "lastname", "email", "phone", "company"}
	if external := b.place(PlaceExternalID); external != "" && word != "" {
		dispensable := "phone"
		if numeric(word) {
			dispensable = "company"
		}
		properties[slices.Index(properties, dispensable)] = external
	}
	groups := contains(word, properties...)
	if len(groups) == 0 && len(stage) > 0 {
		groups = [][]filter{nil}
	}
	for i := range groups {
		groups[i] = slices.Concat(groups[i], stage)
	}
	return groups
}

// about are the texts by which a customer is found.
func (b *Backend) about(r record) []string {
	return []string{nameOf(r), r.is("email"), r.is("phone"), r.is("company"), r.is(b.place(PlaceExternalID))}
}

// CreateCustomer makes a contact. HubSpot itself sees to it that no two have one address.
func (b *Backend) CreateCustomer(ctx context.Context, in crm.CustomerDraft) (crm.Customer, error) {
	properties := map[string]string{}
	nameProperties(properties, in.Name)
	stage, err := b.mapping.Customers.stage("stage", string(in.Stage), "customers")
	if err != nil {
		return crm.Customer{}, err
	}
	properties[lifeCycle] = stage
	for name, value := range map[string]string{"email": in.Email, "phone": in.Phone, "company": in.Company} {
		if value != "" {
			properties[name] = value
		}
	}
	if err := b.ownFields(ctx, properties, "", &in.ExternalID, &in.Note); err != nil {
		return crm.Customer{}, err
	}
	made, err := b.create(ctx, contacts, "", properties)
	if err != nil {
		return crm.Customer{}, b.taken(ctx, err, "", in.Email, in.ExternalID)
	}
	return b.customerOf(merged(made, properties)), nil
}

// UpdateCustomer changes a contact.
func (b *Backend) UpdateCustomer(ctx context.Context, in crm.CustomerUpdate) (crm.Customer, error) {
	before, err := b.person(ctx, in.Customer)
	if err != nil {
		return crm.Customer{}, err
	}
	properties := map[string]string{}
	if in.Name != nil {
		nameProperties(properties, *in.Name)
	}
	for name, value := range map[string]*string{"email": in.Email, "phone": in.Phone, "company": in.Company} {
		if value != nil {
			properties[name] = *value
		}
	}
	if in.Stage != nil && *in.Stage != b.stageOf(before) {
		if slices.Index(crm.Stages, *in.Stage) < slices.Index(crm.Stages, b.stageOf(before)) {
			return crm.Customer{}, tools.Errorf(tools.Conflict, "stage: customer %s is %q, and HubSpot moves a contact's life cycle forwards only (%q). A person can set it back there; nothing was changed.", before.ID, b.stageOf(before), crm.Stages)
		}
		if properties[lifeCycle], err = b.mapping.Customers.stage("stage", string(*in.Stage), "customers"); err != nil {
			return crm.Customer{}, err
		}
	}
	if err := b.ownFields(ctx, properties, before.ID, in.ExternalID, in.Note); err != nil {
		return crm.Customer{}, err
	}
	if len(properties) == 0 {
		return b.customerOf(before), nil
	}
	changed, err := b.update(ctx, contacts, before.ID, properties)
	if err != nil {
		return crm.Customer{}, b.taken(ctx, err, before.ID, given(in.Email), given(in.ExternalID))
	}
	after := merged(changed, before.values(), properties)
	_ = b.employers(ctx, []record{after}) // the write has been made, whatever becomes of this look
	return b.customerOf(after), nil
}

func given(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

// ownFields adds what the account keeps in properties of its own. An external id that
// another contact has is refused here, so that the error can name them.
func (b *Backend) ownFields(ctx context.Context, properties map[string]string, id string, external, note *string) error {
	if given(external) != "" {
		name, err := b.placeFor("external_id", PlaceExternalID)
		if err != nil {
			return err
		}
		switch other, err := b.named(ctx, contacts, name, *external, []string{"email"}); {
		case err == nil && other.ID != id:
			return takenBy("external_id", *external, other.ID)
		case err != nil && !missing(err):
			return err
		}
		properties[name] = *external
	}
	if note != nil && (*note != "" || id != "") {
		name, err := b.placeFor("note", PlaceCustomerNote)
		if err != nil {
			return err
		}
		properties[name] = *note
	}
	return nil
}

// taken names the contact that has a unique value, where HubSpot refused one for that. id
// is the contact that was to be changed.
func (b *Backend) taken(ctx context.Context, err error, id, email, external string) error {
	var known *tools.Error
	if !errors.As(err, &known) || known.Code != tools.Conflict && known.Code != tools.Invalid {
		return err
	}
	if found := existing.FindStringSubmatch(known.Message); found != nil && email != "" {
		return takenBy("email", email, found[1])
	}
	for _, unique := range []struct{ field, property, value string }{{"email", "email", email}, {"external_id", b.place(PlaceExternalID), external}} {
		if unique.property == "" || unique.value == "" {
			continue
		}
		if other, looked := b.named(ctx, contacts, unique.property, unique.value, []string{"email"}); looked == nil && other.ID != id {
			return takenBy(unique.field, unique.value, other.ID)
		}
	}
	return err
}

func takenBy(field, value, id string) error {
	return tools.Errorf(tools.Conflict, "%s: %q is taken by customer %s. Go on with that one, or give another %s.", field, value, id, field)
}
