// Package postgres is the engine below Drawbridge's state for several nodes: a
// PostgreSQL server that all of them use.
//
// The texts of SQL are those of SQLite: the connections of this package read them as
// their server wants them (rebind.go). A write that decides by what it reads takes one
// lock of the database first, so that such writes are one after another on all nodes
// (writer.go), as they are with SQLite's one writer; those that say they need it less go
// on beside. Whatever is answered without an error is on the server's disk.
//
// What is due stands in the table of jobs, and who has it leased. River has the nodes
// called for it (jobs.go): a job of River's is a wake-up, added in the transaction that
// makes work due (wake.go). What has no wake-up, because it was put off, lost or left
// behind, is found by the nodes' sweeps (sweeper.go). A node holds a lock for as long as it
// lives (node.go): what one has that is gone is made due. Errors that pass by themselves,
// since the server is away, say so (away.go).
package postgres
