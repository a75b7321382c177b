package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/store/sqlite"
)

// ING-03: a connection that was not set up as durability needs it is not used. The driver
// ignores what it does not know.
func TestING03_ConnectionSetUpOtherwiseIsRefused(t *testing.T) {
	right := "_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=temp_store(MEMORY)"
	for name, c := range map[string]struct{ source, wrong string }{
		"as it is to be":             {right, ""},
		"a parameter misspelt":       {strings.ReplaceAll(right, "_pragma", "pragma"), "busy_timeout"},
		"no wait for the disk":       {strings.Replace(right, "FULL", "NORMAL", 1), "synchronous"},
		"a journal that rolls back":  {strings.Replace(right, "WAL", "DELETE", 1), "journal_mode"},
		"no wait for another's lock": {strings.Replace(right, "5000", "100", 1), "busy_timeout"},
		"no foreign keys":            {strings.Replace(right, "keys(1)", "keys(0)", 1), "foreign_keys"},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "a.db")+"?"+c.source)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			err = sqlite.CheckPragmas(t.Context(), db)
			if c.wrong == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "pragma "+c.wrong+" is ") {
				t.Errorf("got %v, want %s to be refused", err, c.wrong)
			}
		})
	}
}
