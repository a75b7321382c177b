// Package state is Drawbridge's durable state over SQL: events, runs and their
// journals, jobs, callbacks, the guard's ledger and the audit.
//
// Each interface that another package asks of a store is fulfilled in a file or two
// here, whatever the [Engine] below: store/sqlite or store/postgres, which open a
// database, bring its tables up to date and carry transactions out. The texts of SQL are
// for both.
package state
