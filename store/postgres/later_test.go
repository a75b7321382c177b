package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"drawbridge/store/postgres"
	"drawbridge/store/postgres/postgrestest"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// numbered is a database with a table of numbers, each of which is there once.
func numbered(t *testing.T) *postgres.DB {
	t.Helper()
	db, err := postgres.OpenDB(t.Context(), postgrestest.Database(t), state.Owned)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Write(t.Context(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(t.Context(), `CREATE TABLE numbers (n BIGINT PRIMARY KEY, even BIGINT NOT NULL)`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return db
}

func insert(tx sqldb.Tx, n int) error {
	return sqldb.Later(context.Background(), tx, `INSERT INTO numbers (n, even) VALUES (?, ?)`, n, n%2 == 0)
}

func count(t *testing.T, q sqldb.Querier) (n, even int) {
	t.Helper()
	if err := q.QueryRowContext(t.Context(), `SELECT COUNT(*), COALESCE(SUM(even), 0) FROM numbers`).Scan(&n, &even); err != nil {
		t.Fatal(err)
	}
	return n, even
}

func TestWhatIsLeftForLaterIsThereForTheNextStatementAndAfterTheCommit(t *testing.T) {
	db := numbered(t)
	for _, how := range []state.How{{}, {Bare: true, Keyed: true}, {Keyed: true, Relaxed: true}} {
		if err := db.Do(t.Context(), how, func(tx sqldb.Tx) error {
			before, _ := count(t, tx)
			for i := range 3 {
				if err := insert(tx, before+i); err != nil {
					return err
				}
			}
			if after, _ := count(t, tx); after != before+3 {
				t.Errorf("%d rows after three more than %d", after, before)
			}
			return insert(tx, before+3)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if n, even := count(t, db.Read()); n != 12 || even != 6 {
		t.Errorf("%d rows, %d of them even, want 12 and 6", n, even)
	}
}

func TestStatementThatFailsLaterUndoesItsOperationAlone(t *testing.T) {
	db := numbered(t)
	if err := db.Write(t.Context(), func(tx sqldb.Tx) error { return insert(tx, 0) }); err != nil {
		t.Fatal(err)
	}
	// While the first one holds the order, the others gather, to be carried out together.
	holds, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	var once sync.Once
	all.Go(func() {
		_ = db.Write(context.Background(), func(sqldb.Tx) error {
			once.Do(func() { close(holds) })
			<-release
			return nil
		})
	})
	<-holds
	errs := make([]error, 5)
	for i := range errs {
		all.Go(func() {
			errs[i] = db.Write(context.Background(), func(tx sqldb.Tx) error {
				if i == 4 { // fails where the next statement is waited for
					if err := insert(tx, 0); err != nil {
						return err
					}
					var n int
					return tx.QueryRowContext(context.Background(), `SELECT COUNT(*) FROM numbers`).Scan(&n)
				}
				return insert(tx, i) // 0 is there already
			})
		})
	}
	close(release)
	all.Wait()
	for i, err := range errs {
		if failed := i == 0 || i == 4; failed != (err != nil) {
			t.Errorf("operation %d gave %v", i, err)
		}
	}
	if n, _ := count(t, db.Read()); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}

func TestOperationThatFailsLeavesNothingForLater(t *testing.T) {
	db := numbered(t)
	broke := errors.New("changed its mind")
	if err := db.Write(t.Context(), func(tx sqldb.Tx) error {
		if err := insert(tx, 1); err != nil {
			return err
		}
		return broke
	}); !errors.Is(err, broke) {
		t.Fatal(err)
	}
	if n, _ := count(t, db.Read()); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
}
