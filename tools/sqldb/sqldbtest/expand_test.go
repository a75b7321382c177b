package sqldbtest_test

import (
	"strings"
	"testing"

	"drawbridge/tools/sqldb/sqldbtest"
)

func TestMigrationThatBreaksOldNodesIsFound(t *testing.T) {
	for statement, want := range map[string]string{
		"DROP TABLE lanes":                                                                      "drops a table",
		"drop table if exists lanes":                                                            "drops a table",
		"TRUNCATE lanes":                                                                        "empties a table",
		"ALTER TABLE runs DROP COLUMN route":                                                    "drops a column",
		"ALTER TABLE runs\n\tDROP route":                                                        "drops a column",
		"ALTER TABLE runs DROP colour":                                                          "drops a column",
		"ALTER TABLE runs ADD COLUMN a TEXT, DROP COLUMN route":                                 "drops a column",
		"ALTER TABLE runs RENAME TO walks":                                                      "renames",
		"ALTER TABLE runs RENAME COLUMN route TO way":                                           "renames",
		"ALTER TABLE runs ALTER COLUMN route TYPE BIGINT":                                       "changes a column's type",
		"ALTER TABLE runs ALTER route SET DATA TYPE BIGINT":                                     "changes a column's type",
		"ALTER TABLE runs ALTER COLUMN route DROP DEFAULT":                                      "takes away a default",
		"ALTER TABLE runs ALTER COLUMN route SET NOT NULL":                                      "demands a value",
		"ALTER TABLE runs ADD CONSTRAINT c CHECK (route <> '')":                                 "adds a constraint",
		"ALTER TABLE runs ADD UNIQUE (route)":                                                   "adds a constraint",
		"CREATE UNIQUE INDEX one ON runs (route)":                                               "makes a key",
		"ALTER TABLE runs ADD COLUMN weight BIGINT NOT NULL":                                    "without a default",
		"ALTER TABLE runs ADD weight BIGINT NOT NULL":                                           "without a default",
		"ALTER TABLE runs ADD COLUMN a BIGINT NOT NULL DEFAULT 0, ADD COLUMN b BIGINT NOT NULL": "without a default",
		"CREATE TABLE other (a TEXT); DROP TABLE lanes":                                         "drops a table",
	} {
		got := sqldbtest.Breaks("-- +goose Up\n" + statement + ";\n")
		if len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s\n got %q, want %q", statement, got, want)
		}
		if got := sqldbtest.Breaks("-- contract of 12: nothing reads it\n-- +goose Up\n" + statement + ";\n"); len(got) != 0 {
			t.Errorf("marked as a contract: got %q", got)
		}
		if got := sqldbtest.Breaks("-- contract, trust me\n-- +goose Up\n" + statement + ";\n"); len(got) == 0 {
			t.Errorf("%s: a mark without a version counts", statement)
		}
	}
}

func TestMigrationThatOnlyAddsIsLeftAlone(t *testing.T) {
	for _, statement := range []string{
		"ALTER TABLE runs ADD COLUMN weight BIGINT NOT NULL DEFAULT 0",
		"ALTER TABLE runs ADD COLUMN weight BIGINT",
		"ALTER TABLE runs ADD COLUMN note TEXT COLLATE \"C\" NOT NULL DEFAULT 'DROP COLUMN x'",
		"-- we never DROP TABLE lanes\nCREATE INDEX runs_by_weight ON runs (weight)",
		"CREATE TABLE weights (run TEXT NOT NULL PRIMARY KEY); CREATE UNIQUE INDEX one ON weights (run); ALTER TABLE weights ADD UNIQUE (run)",
		"UPDATE runs SET note = 'DROP TABLE lanes; RENAME'",
		"ALTER TABLE runs DROP CONSTRAINT runs_state_check",
		"ALTER TABLE runs ALTER COLUMN route DROP NOT NULL",
		"DROP INDEX runs_by_weight",
		"CREATE INDEX a ON runs (weight);\n-- +goose Down\nDROP TABLE runs",
	} {
		if got := sqldbtest.Breaks("-- +goose Up\n" + statement + ";\n"); len(got) != 0 {
			t.Errorf("%s\n got %q", statement, got)
		}
	}
}
