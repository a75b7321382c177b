// Package sqlite keeps Drawbridge's durable state in one SQLite file: events,
// runs and their journals, jobs, callbacks, the guard's ledger and the audit.
//
// All writes go through one goroutine that commits the operations waiting at that
// moment together ([DB.Write]): one fsync serves many callers, each operation in
// a savepoint of its own, so that one that fails takes nobody else along. Reads
// have a pool of their own. The built-in business tools write through the same
// goroutine. A write that may be answered before its commit waits for it in a file
// beside the database ([DB.Unspool]).
//
// A file is opened in one of three ways: [Owned] by the one process that works on
// its jobs (a lock file keeps a second one out), [Beside] an owner by a process
// that only answers tool calls, or [ReadOnly].
package sqlite
