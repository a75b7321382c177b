// Package postgres is the engine below Drawbridge's state for several nodes: a
// PostgreSQL server that all of them use.
//
// The texts of SQL are those of SQLite: the connections of this package read them as
// their server wants them (rebind.go). A write that decides by what it reads takes one
// lock of the database first, so that such writes are one after another on all nodes
// (writer.go), as they are with SQLite's one writer; those that say they need it less go
// on beside. Whatever is answered without an error is on the server's disk.
package postgres
