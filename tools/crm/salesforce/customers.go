package salesforce

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// owner is whom a record is of: a person, who may work for a company, or a company.
type owner struct {
	crm.Customer
	contact, account string
}

func (b *Backend) contactFields() []string {
	fields := selecting("Id", "Name", "Email", "Phone", "AccountId", "Account.Name", "Description", "CreatedDate", "LastModifiedDate",
		b.fields["customer_stage"], b.fields["customer_external_id"])
	if b.fields["customer_stage"] == "" {
		fields = append(fields, "Account.Type")
	}
	return fields
}

var accountFields = []string{"Id", "Name", "Phone", "Type", "Description", "CreatedDate", "LastModifiedDate"}

func (b *Backend) contact(r record) crm.Customer {
	return crm.Customer{
		ID: r.text("Id"), Name: r.text("Name"), Email: strings.ToLower(r.text("Email")), Phone: r.text("Phone"), Company: r.text("Account.Name"),
		ExternalID: r.text(b.fields["customer_external_id"]), Stage: b.stage(r), Note: r.text("Description"),
		CreatedAt: r.moment("CreatedDate"), UpdatedAt: r.moment("LastModifiedDate"),
	}
}

// stage is what the field for it says. Without one a person stands where the company does,
// as far as its type tells.
func (b *Backend) stage(r record) crm.Stage {
	field := b.fields["customer_stage"]
	if field == "" {
		return stageOf(r.text("Account.Type"))
	}
	if stage := b.meant(customerStage, r.text(field)); stage != "" {
		return crm.Stage(stage)
	}
	return crm.Lead
}

const buys = "Customer"

func stageOf(accountType string) crm.Stage {
	if strings.HasPrefix(accountType, buys) {
		return crm.Active
	}
	return crm.Lead
}

func account(r record) owner {
	return owner{account: r.text("Id"), Customer: crm.Customer{
		ID: r.text("Id"), Name: r.text("Name"), Company: r.text("Name"), Phone: r.text("Phone"), Stage: stageOf(r.text("Type")), Note: r.text("Description"),
		CreatedAt: r.moment("CreatedDate"), UpdatedAt: r.moment("LastModifiedDate"),
	}}
}

// SearchCustomers finds people, newest first.
func (b *Backend) SearchCustomers(ctx context.Context, in crm.CustomerSearch) (crm.CustomerPage, error) {
	var where conditions
	if err := where.words(in.Query, "Name", "Email", "Phone", "Account.Name", b.fields["customer_external_id"]); err != nil {
		return crm.CustomerPage{}, err
	}
	if in.Stage != "" {
		ofStage, err := b.ofStage(in.Stage)
		if err != nil {
			return crm.CustomerPage{}, err
		}
		where.and(ofStage)
	}
	list := listing[crm.Customer]{name: "customers", object: "Contact", fields: b.contactFields(), key: "CreatedDate", newest: true, scan: b.contact}
	found, next, err := list.page(ctx, b, where, in.Page)
	return crm.CustomerPage{Customers: found, NextCursor: next}, err
}

func (b *Backend) ofStage(stage crm.Stage) (string, error) {
	field := b.fields["customer_stage"]
	switch {
	case field == "" && stage == crm.Active:
		return "Account.Type LIKE " + quote(buys+"%"), nil
	case field == "" && stage == crm.Lead:
		return either("Account.Type = null", "(NOT Account.Type LIKE "+quote(buys+"%")+")"), nil
	case field == "":
		return "", noField("stage", "customer_stage")
	case stage == crm.Lead: // and those of whom nobody has said anything
		return either(field+" = null", noneOf(field, b.known(customerStage, string(crm.Lead)))), nil
	}
	if len(b.values[customerStage][string(stage)]) == 0 {
		_, err := b.picked(customerStage, "stage", string(stage))
		return "", err
	}
	return oneOf(field, b.values[customerStage][string(stage)]), nil
}

// Customer finds a person by id, email address or external id, or a company by its id.
func (b *Backend) Customer(ctx context.Context, ref string) (crm.Customer, error) {
	found, err := b.owner(ctx, ref)
	return found.Customer, err
}

func (b *Backend) owner(ctx context.Context, ref string) (owner, error) {
	if isID(ref, ofAccount) {
		found, err := b.query(ctx, one("Account", accountFields, idIs(ref)))
		if err != nil || len(found) > 0 {
			return first(found, err, account)
		}
	}
	found, err := b.query(ctx, one("Contact", b.contactFields(), b.named(ref))+" ORDER BY CreatedDate, Id LIMIT 20")
	if err != nil {
		return owner{}, err
	}
	who, err := b.best(found, ref)
	b.memo.keep(who)
	return who, err
}

func first[T any](found []record, err error, scan func(record) T) (T, error) {
	var none T
	if err != nil || len(found) == 0 {
		return none, err
	}
	return scan(found[0]), nil
}

// named are the people that a reference may mean.
func (b *Backend) named(ref string) string {
	id, email, external := "", "", ""
	if isID(ref, ofContact) {
		id = idIs(ref)
	}
	email = "Email = " + quote(ref)
	if field := b.fields["customer_external_id"]; field != "" {
		external = field + " = " + quote(ref)
	}
	return either(id, email, external)
}

// best prefers an id to an email address, and that to an external id: what another system
// calls its customers must not stand in front of the records here. Salesforce lets several
// people have one address; then nobody can say who is meant.
func (b *Backend) best(found []record, ref string) (owner, error) {
	for _, same := range []func(r record) bool{
		func(r record) bool {
			return isID(ref, ofContact) && r.text("Id") != "" && strings.HasPrefix(r.text("Id"), ref[:15])
		},
		func(r record) bool { return strings.EqualFold(r.text("Email"), ref) },
		func(r record) bool { return r.text(b.fields["customer_external_id"]) == ref },
	} {
		var ids []string
		var who owner
		for _, r := range found {
			if same(r) {
				ids = append(ids, r.text("Id"))
				who = owner{Customer: b.contact(r), contact: r.text("Id"), account: r.text("AccountId")}
			}
		}
		switch len(ids) {
		case 0:
		case 1:
			return who, nil
		default:
			return owner{}, tools.Errorf(tools.Conflict, "customer: %q is several people: %s. Name one by the id; see each with %s.", ref, strings.Join(ids, ", "), crm.GetCustomerTool)
		}
	}
	return owner{}, noCustomer(ref)
}

// ofCustomer lets through what is a customer's, if there is a reference: of a person what
// names that person, and what names only the company; of a company all that is its.
func (b *Backend) ofCustomer(ctx context.Context, where *conditions, ref, contactField, accountField string) error {
	if ref == "" {
		return nil
	}
	who, known := b.memo.find(ref)
	if !known {
		var err error
		if who, err = b.owner(ctx, ref); err != nil {
			return err
		}
	}
	where.and(who.has(contactField, accountField))
	return nil
}

func (o owner) has(contactField, accountField string) string {
	switch {
	case o.contact == "":
		return accountField + " = " + quote(o.account)
	case o.account == "":
		return contactField + " = " + quote(o.contact)
	}
	return either(contactField+" = "+quote(o.contact), both(contactField+" = null", accountField+" = "+quote(o.account)))
}

// customerID is whom a record names: a person, or else a company.
func customerID(r record, contactField string) string {
	if id := r.text(contactField); id != "" {
		return id
	}
	return r.text("AccountId")
}

// CreateCustomer makes a person's record, and the company's if that is new.
func (b *Backend) CreateCustomer(ctx context.Context, in crm.CustomerDraft) (crm.Customer, error) {
	if made, err := b.before(ctx, crm.CreateCustomerTool, b.contactFields()); made != nil || err != nil {
		return shown(made, err, b.contact)
	}
	body := map[string]any{}
	nameParts(body, in.Name)
	put(body, "Email", in.Email)
	put(body, "Phone", in.Phone)
	put(body, "Description", in.Note)
	if err := b.putHandles(body, in.ExternalID, in.Stage); err != nil {
		return crm.Customer{}, err
	}
	queries := []string{b.takenQuery(in.Email, in.ExternalID, "")}
	if in.Company != "" {
		queries = append(queries, companyQuery(in.Company))
	}
	found, err := b.ask(ctx, queries...)
	if err != nil {
		return crm.Customer{}, err
	}
	if err := b.taken(found[0], in.Email, in.ExternalID); err != nil {
		return crm.Customer{}, err
	}
	var parts []part
	if in.Company != "" {
		if parts, err = company(body, in.Company, found[1]); err != nil {
			return crm.Customer{}, err
		}
	}
	made, err := b.create(ctx, crm.CreateCustomerTool, parts, body, b.contactFields())
	return shown(made, err, b.contact)
}

func (b *Backend) putHandles(body map[string]any, externalID string, stage crm.Stage) error {
	if externalID != "" {
		field := b.fields["customer_external_id"]
		if field == "" {
			return noField("external_id", "customer_external_id")
		}
		body[field] = externalID
	}
	field := b.fields["customer_stage"]
	switch {
	case stage == "" || field == "" && stage == crm.Lead:
		return nil
	case field == "":
		return noField("stage", "customer_stage")
	}
	stored, err := b.picked(customerStage, "stage", string(stage))
	body[field] = stored
	return err
}

// nameParts puts a name into the two fields that Salesforce has: the last word is the
// family name, as far as the lengths of the fields allow.
func nameParts(body map[string]any, name string) {
	const longestFirst, longestLast = 40, 80
	at := strings.LastIndex(name, " ")
	for at > 0 && utf8.RuneCountInString(name[:at]) > longestFirst {
		at = strings.LastIndex(name[:at], " ")
	}
	body["FirstName"], body["LastName"] = nil, name
	if at > 0 && utf8.RuneCountInString(name[at+1:]) <= longestLast {
		body["FirstName"], body["LastName"] = name[:at], name[at+1:]
	}
}

// takenQuery finds the people who have one of the handles; nobody if none is given.
func (b *Backend) takenQuery(email, externalID, but string) string {
	var has []string
	if email != "" {
		has = append(has, "Email = "+quote(email))
	}
	field := b.fields["customer_external_id"]
	if externalID != "" && field != "" {
		has = append(has, field+" = "+quote(externalID))
	}
	if len(has) == 0 {
		has = []string{"Id = null"}
	}
	where := either(has...)
	if but != "" {
		where += " AND Id != " + quote(but)
	}
	return one("Contact", selecting("Id", "Email", field), where) + " LIMIT 5"
}

func (b *Backend) taken(found []record, email, externalID string) error {
	if len(found) == 0 {
		return nil
	}
	field, value := "external_id", externalID
	if email != "" && strings.EqualFold(found[0].text("Email"), email) {
		field, value = "email", email
	}
	return tools.Errorf(tools.Conflict, "%s: %q belongs to customer %s; see it with %s, change it with %s",
		field, value, found[0].text("Id"), crm.GetCustomerTool, crm.UpdateCustomerTool)
}

func companyQuery(name string) string {
	where := "Name = " + quote(name)
	if isID(name, ofAccount) {
		where = idIs(name)
	}
	return one("Account", []string{"Id", "Name"}, where) + " ORDER BY CreatedDate, Id LIMIT 5"
}

// company puts the company of that name into a person's record, or has it made before.
func company(body map[string]any, name string, found []record) ([]part, error) {
	switch {
	case len(found) == 1:
		body["AccountId"] = found[0].text("Id")
		return nil, nil
	case len(found) > 1:
		var ids []string
		for _, r := range found {
			ids = append(ids, r.text("Id"))
		}
		return nil, tools.Errorf(tools.Conflict, "company: Salesforce has several of the name %q: %s. Give the id of the one that is meant as company.", name, strings.Join(ids, ", "))
	case isID(name, ofAccount):
		return nil, tools.Errorf(tools.NotFound, "company: Salesforce has none with the id %q; give its name", name)
	}
	body["AccountId"] = idOf("company")
	return []part{{id: "company", method: http.MethodPost, path: data + "/sobjects/Account", body: map[string]any{"Name": name}}}, nil
}

// UpdateCustomer changes the given fields of a person.
func (b *Backend) UpdateCustomer(ctx context.Context, in crm.CustomerUpdate) (crm.Customer, error) {
	who, err := b.owner(ctx, in.Customer)
	if err != nil {
		return crm.Customer{}, err
	}
	if who.contact == "" {
		return crm.Customer{}, tools.Errorf(tools.Invalid, "customer: %s is a company; only people's records are changed here", who.account)
	}
	body := map[string]any{}
	if in.Name != nil {
		nameParts(body, *in.Name)
	}
	for field, value := range map[string]*string{"Email": in.Email, "Phone": in.Phone, "Description": in.Note} {
		if value != nil {
			body[field] = orNull(*value)
		}
	}
	if err := b.putHandles(body, given(in.ExternalID), given(in.Stage)); err != nil {
		return crm.Customer{}, err
	}
	var parts []part
	queries := []string{b.takenQuery(given(in.Email), given(in.ExternalID), who.contact)}
	if named := given(in.Company); named != "" {
		queries = append(queries, companyQuery(named))
	} else if in.Company != nil {
		body["AccountId"] = nil
	}
	if in.Email != nil || in.ExternalID != nil || len(queries) > 1 {
		found, err := b.ask(ctx, queries...)
		if err != nil {
			return crm.Customer{}, err
		}
		if err := b.taken(found[0], given(in.Email), given(in.ExternalID)); err != nil {
			return crm.Customer{}, err
		}
		if len(queries) > 1 {
			if parts, err = company(body, *in.Company, found[1]); err != nil {
				return crm.Customer{}, err
			}
		}
	}
	defer b.memo.forget(who.contact)
	changed, err := b.update(ctx, "Contact", who.contact, parts, body, b.contactFields())
	return shown(changed, err, b.contact)
}

func given[T any](value *T) T {
	var none T
	if value == nil {
		return none
	}
	return *value
}
