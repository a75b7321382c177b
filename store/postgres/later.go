package postgres

import (
	"database/sql/driver"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"drawbridge/tools/sqldb"
)

var _ sqldb.Deferrer = (*session)(nil)

// Later has a statement carried out with the next one that somebody waits for, or with
// the commit. Those that were left for later go to the server together, in one pipeline:
// what a turn writes is one way there and back.
func (s *session) Later(query string, args ...any) error {
	values := make([]any, len(args))
	for i, arg := range args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return fmt.Errorf("value %d of a statement: %w", i+1, err)
		}
		values[i] = stored(value)
	}
	s.changed = true
	s.later.Queue(rebind(query), values...)
	return nil
}

// flush sends what was left for later, and statements behind it. After an error of one
// the server passes over the rest, a commit as well.
func (s *session) flush(behind ...string) error {
	if s.later.Len() == 0 && len(behind) == 0 {
		return nil
	}
	batch := s.later
	s.later = pgx.Batch{}
	for _, query := range behind {
		batch.Queue(query).Exec(committed)
	}
	if err := s.tx.Conn().SendBatch(s.ctx, &batch).Close(); err != nil {
		s.failed = passing(err)
	}
	return s.failed
}

// committed looks whether a commit was one: of what is broken it is a rollback.
func committed(tag pgconn.CommandTag) error {
	if tag.String() == "ROLLBACK" {
		return pgx.ErrTxCommitRollback
	}
	return nil
}
