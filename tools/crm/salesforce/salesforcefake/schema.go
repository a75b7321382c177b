package salesforcefake

import "strings"

// Kind is the type of a field.
type Kind string

// The types that fields here have.
const (
	ID        Kind = "id"
	Text      Kind = "string"
	LongText  Kind = "long" // a text area of more than 255: no query filters or sorts by it
	Pick      Kind = "picklist"
	Bool      Kind = "boolean"
	Money     Kind = "currency"
	Number    Kind = "double"
	Date      Kind = "date"
	DateTime  Kind = "datetime"
	Reference Kind = "reference"
	Email     Kind = "email"
	Phone     Kind = "phone"
)

// Field is a field of an object.
type Field struct {
	Name   string
	Kind   Kind
	Length int
	// System: Salesforce writes it, and no request may.
	System   bool
	Required bool
	// Once: it is given when a record is made, and not changed.
	Once bool
	// Values are those of a restricted picklist; any is taken of another one.
	Values  []string
	Default string
	// To are the objects that a reference leads to; a path begins with As.
	To []string
	As string
	// External: it can be in the address of an upsert, and no two records share a value.
	External bool
}

// children are the names by which a query inside a query calls an object's.
var children = map[string]map[string][2]string{ // object -> relationship -> object, its field
	"Order":    {"OrderItems": {"OrderItem", "OrderId"}},
	"Product2": {"PricebookEntries": {"PricebookEntry", "Product2Id"}},
}

var prefixes = map[string]string{
	"Account": "001", "Contact": "003", "Case": "500", "Opportunity": "006", "Task": "00T", "Order": "801", "OrderItem": "802", "Product2": "01t",
	"Pricebook2": "01s", "PricebookEntry": "01u", "User": "005", "Group": "00G",
}

// several are the objects whose records have a currency each, where there are several.
var several = []string{"Account", "Contact", "Opportunity", "Order", "OrderItem", "Product2", "PricebookEntry"}

func schema() map[string][]Field {
	owner := Field{Name: "OwnerId", Kind: Reference, To: []string{"User", "Group"}, As: "Owner"}
	objects := map[string][]Field{
		"Account": {{Name: "Name", Kind: Text, Length: 255, Required: true}, {Name: "Phone", Kind: Phone, Length: 40}, {Name: "Type", Kind: Pick}, {Name: "Description", Kind: LongText, Length: 32000}, owner},
		"Contact": {
			{Name: "FirstName", Kind: Text, Length: 40}, {Name: "LastName", Kind: Text, Length: 80, Required: true}, {Name: "Name", Kind: Text, Length: 121, System: true},
			{Name: "Email", Kind: Email, Length: 80}, {Name: "Phone", Kind: Phone, Length: 40}, {Name: "Description", Kind: LongText, Length: 32000},
			{Name: "AccountId", Kind: Reference, To: []string{"Account"}, As: "Account"}, owner,
		},
		"Case": {
			{Name: "CaseNumber", Kind: Text, Length: 30, System: true}, {Name: "ContactId", Kind: Reference, To: []string{"Contact"}, As: "Contact"},
			{Name: "AccountId", Kind: Reference, To: []string{"Account"}, As: "Account"}, {Name: "Subject", Kind: Text, Length: 255}, {Name: "Description", Kind: LongText, Length: 32000},
			{Name: "Status", Kind: Pick, Default: "New"}, {Name: "Priority", Kind: Pick, Default: "Medium"}, {Name: "IsClosed", Kind: Bool, System: true}, owner,
		},
		"Opportunity": {
			{Name: "Name", Kind: Text, Length: 120, Required: true}, {Name: "AccountId", Kind: Reference, To: []string{"Account"}, As: "Account"},
			{Name: "ContactId", Kind: Reference, To: []string{"Contact"}, As: "Contact", Once: true}, {Name: "Amount", Kind: Money}, {Name: "StageName", Kind: Pick, Required: true},
			{Name: "CloseDate", Kind: Date, Required: true}, {Name: "IsClosed", Kind: Bool, System: true}, {Name: "IsWon", Kind: Bool, System: true},
			{Name: "OwnerId", Kind: Reference, To: []string{"User"}, As: "Owner"},
		},
		"Task": {
			{Name: "Subject", Kind: Text, Length: 255}, {Name: "Description", Kind: LongText, Length: 32000}, {Name: "Status", Kind: Pick, Default: "Not Started"},
			{Name: "Priority", Kind: Pick, Default: "Normal"}, {Name: "ActivityDate", Kind: Date}, {Name: "Type", Kind: Pick},
			{Name: "TaskSubtype", Kind: Pick, Values: []string{"Task", "Email", "Call", "ListEmail", "Cadence", "LinkedIn"}, Once: true, Default: "Task"},
			{Name: "WhoId", Kind: Reference, To: []string{"Contact"}, As: "Who"}, {Name: "WhatId", Kind: Reference, To: []string{"Account", "Opportunity", "Order", "Case"}, As: "What"},
			{Name: "AccountId", Kind: Reference, To: []string{"Account"}, As: "Account", System: true}, {Name: "IsClosed", Kind: Bool, System: true},
			{Name: "CompletedDateTime", Kind: DateTime, System: true}, owner,
		},
		"Order": {
			{Name: "OrderNumber", Kind: Text, Length: 30, System: true}, {Name: "OrderReferenceNumber", Kind: Text, Length: 80},
			{Name: "AccountId", Kind: Reference, To: []string{"Account"}, As: "Account", Required: true}, {Name: "BillToContactId", Kind: Reference, To: []string{"Contact"}, As: "BillToContact"},
			{Name: "EffectiveDate", Kind: Date, Required: true}, {Name: "EndDate", Kind: Date}, {Name: "Status", Kind: Pick, Required: true}, {Name: "StatusCode", Kind: Pick, System: true},
			{Name: "TotalAmount", Kind: Money, System: true}, {Name: "Description", Kind: LongText, Length: 32000}, owner,
		},
		"OrderItem": {
			{Name: "OrderItemNumber", Kind: Text, Length: 30, System: true}, {Name: "OrderId", Kind: Reference, To: []string{"Order"}, As: "Order", Required: true},
			{Name: "Product2Id", Kind: Reference, To: []string{"Product2"}, As: "Product2", Once: true}, {Name: "Quantity", Kind: Number, Required: true}, {Name: "UnitPrice", Kind: Money, Required: true},
		},
		"Product2": {
			{Name: "Name", Kind: Text, Length: 255, Required: true}, {Name: "ProductCode", Kind: Text, Length: 255}, {Name: "StockKeepingUnit", Kind: Text, Length: 180},
			{Name: "Description", Kind: Text, Length: 4000}, {Name: "IsActive", Kind: Bool},
		},
		"Pricebook2": {{Name: "Name", Kind: Text, Length: 255}, {Name: "IsStandard", Kind: Bool, System: true}, {Name: "IsActive", Kind: Bool}},
		"PricebookEntry": {
			{Name: "Product2Id", Kind: Reference, To: []string{"Product2"}, As: "Product2"}, {Name: "Pricebook2Id", Kind: Reference, To: []string{"Pricebook2"}, As: "Pricebook2"},
			{Name: "UnitPrice", Kind: Money}, {Name: "IsActive", Kind: Bool},
		},
		"User": {
			{Name: "Name", Kind: Text, Length: 121}, {Name: "Email", Kind: Email, Length: 128}, {Name: "Username", Kind: Text, Length: 80}, {Name: "IsActive", Kind: Bool},
		},
		"Group": {{Name: "Name", Kind: Text, Length: 40}, {Name: "DeveloperName", Kind: Text, Length: 80}, {Name: "Type", Kind: Pick}, {Name: "Email", Kind: Email, Length: 255}},
	}
	for name := range objects {
		objects[name] = append([]Field{
			{Name: "Id", Kind: ID, System: true}, {Name: "CreatedDate", Kind: DateTime, System: true}, {Name: "LastModifiedDate", Kind: DateTime, System: true},
			{Name: "SystemModstamp", Kind: DateTime, System: true}, {Name: "IsDeleted", Kind: Bool, System: true},
		}, objects[name]...)
	}
	return objects
}

// field finds a field by its name, in any case.
func (o *Org) field(object, name string) (Field, bool) {
	for _, f := range o.fields[object] {
		if strings.EqualFold(f.Name, name) {
			return f, true
		}
	}
	return Field{}, false
}

// related finds the field whose reference a path goes along.
func (o *Org) related(object, name string) (Field, bool) {
	for _, f := range o.fields[object] {
		if f.Kind == Reference && strings.EqualFold(f.As, name) {
			return f, true
		}
	}
	return Field{}, false
}

// names are the fields that a reference to one of several objects shows of each.
var names = []Field{{Name: "Id", Kind: ID}, {Name: "Name", Kind: Text}, {Name: "Type", Kind: Text}, {Name: "Email", Kind: Email}, {Name: "Username", Kind: Text}}

// object finds an object by its name, in any case.
func (o *Org) object(name string) (string, bool) {
	for known := range o.fields {
		if strings.EqualFold(known, name) {
			return known, true
		}
	}
	return "", false
}

// What the values of picklists mean. Tests add to them.
var (
	closedCase  = map[string]bool{"Closed": true, "Resolved": true}
	closedDeal  = map[string]bool{"Closed Won": true, "Closed Lost": true}
	closedTask  = map[string]bool{"Completed": true}
	orderStates = map[string]string{"Draft": "Draft", "Activated": "Activated", "Shipped": "Activated", "Delivered": "Activated", "Refunded": "Activated", "Cancelled": "Canceled", "Lapsed": "Expired"}
)
