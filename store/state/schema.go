package state

import (
	"embed"

	"drawbridge/tools/sqldb"
)

//go:embed migrations/*.sql migrations/postgres/*.sql
var migrations embed.FS

// Schema is the tables of the state.
var Schema = sqldb.Schema{Name: "state", Files: migrations}
