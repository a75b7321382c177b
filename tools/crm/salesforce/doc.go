// Package salesforce serves the CRM family from an organization at Salesforce, over its REST
// API, of one pinned version. It was built against Salesforce's published documents and a
// fake of its own (salesforcefake), which plays an organization. No live one was ever asked.
//
// # What is what
//
// A customer is a Contact, and the company its Account, which is made with the person where
// it is new. An id of an Account is a customer too, to look at: many records name only a
// company. What names a person is that person's; what names only a company is the company's,
// and shows for each of its people. Person accounts are seen as the contacts that they have.
//
// A ticket is a Case, a deal an Opportunity, an order an Order with its OrderItems, a product
// a Product2 at its price in the standard price book. A task is a Task; one that is completed
// is an interaction as well, if it is about a customer, and logging an interaction makes one.
//
// What Salesforce has no field for (when a task is due to the hour, whether an order is late)
// has none here either, unless the settings name a custom field: see [FieldNames]. Picklists
// differ by organization: see [Values].
//
// # Queries
//
// SOQL has no parameters. Every value gets into a query by one function, quote (soql.go).
//
// # Once
//
// Salesforce knows no idempotency keys. Where the settings name a custom field of an object
// that is an external id, what a call makes keeps the call's key there, and is made by an
// upsert: the same call under the same key finds it.
//
// A write, and the row that shows it, are one composite request and one transaction.
//
// # Errors
//
// Salesforce's become the family's codes in errors.go. A request whose session has ended is
// made once more behind a new sign-in; one that meets a locked record, three times more.
// Neither has had any effect. Nothing else is repeated here.
package salesforce
