// Package postgres is the engine below Drawbridge's state for several nodes: a
// PostgreSQL server that all of them use.
package postgres
