// Package hubspot serves the CRM family from a HubSpot account, over its CRM API in version
// 2026-03, with the token of a private app. It was built against HubSpot's published
// reference: a stateful fake (hubspotfake) plays the account and judges each request, and the
// requests of the conformance suite fit the OpenAPI documents that HubSpot publishes
// (published_test.go). No live account was ever asked.
//
// # What is what
//
// A customer is a contact; its company is the text of that name, or else the company that it
// is associated with. Deals, tickets, orders (with their line items) and products are
// HubSpot's own. A task is a task. An interaction that is logged becomes a note whose first
// line says what it was; what is listed are notes, calls, mails and meetings. Assignees and
// owners are users of the account, by address, or queues by name.
//
// What the family keeps and HubSpot has no place for goes into properties that the account
// made for itself, if the mapping names some ([Places]); else it is refused, never dropped.
// So are stages that the account has not got. A task without a due time is due in a hundred
// years, since HubSpot keeps none without.
//
// # Lists
//
// HubSpot's search is several things that a list must not be: it shows what was written only
// a while later, ends at 10,000 results, numbers its pages from the start, takes five groups
// of six conditions each, compares words in a way of its own, and is asked five times a
// second at most. So
//
//   - the records of one customer are read by what is associated with them, which holds at
//     once, in batches of a hundred; only of whoever has more than 500 is the search asked;
//   - a list goes on from the time and id of its last record (stream.go), so that it has no
//     end, and a record that is made meanwhile neither repeats nor hides another;
//   - what this node wrote in the last minute is read by id beside what a search finds
//     (recent.go); what others wrote shows when HubSpot shows it;
//   - HubSpot is asked for a superset, and each record judged here (list.go, words.go), at
//     most 1,000 a call, behind which a cursor goes on.
//
// # Writes
//
// HubSpot knows no idempotency keys: every write is one request, made once. One whose answer
// was lost is an unknown outcome, which a person decides. HubSpot itself refuses a second
// contact with one address, and a second one with one value of a unique property.
package hubspot
