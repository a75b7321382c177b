package sqldbtest

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"drawbridge/tools/sqldb"
)

// Expand wants the component's migrations of PostgreSQL to leave nodes of the version
// before at work: each adds what those do not miss, or says in a mark which earlier
// version it is the contract of ([sqldb.Step]). What a machine can see of that is looked
// at; that a new meaning of an old column is no less of a break, it cannot.
//
// The first file makes all tables, and so has nobody to break.
func Expand(t testing.TB, s sqldb.Schema) {
	t.Helper()
	names, err := fs.Glob(s.Files, "migrations/postgres/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("%s has the migrations %v (%v)", s.Name, names, err)
	}
	for _, name := range names[1:] {
		text, err := fs.ReadFile(s.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range Breaks(string(text)) {
			t.Errorf("%s, %s: %s\nNodes of the version before still run while it does: first a version that does without (expand), then, one version later, "+
				"a migration with the mark \"-- contract of N: why\", where N is the number of the one that nodes have to know by then.", s.Name, path.Base(name), problem)
		}
	}
}

var (
	comments  = regexp.MustCompile(`--[^\n]*`)
	blanks    = regexp.MustCompile(`\s+`)
	texts     = regexp.MustCompile(`'(?:[^']|'')*'`)
	marked    = regexp.MustCompile(`(?m)^-- contract of \d+: \S`)
	newTable  = regexp.MustCompile(`(?i)^CREATE TABLE (?:IF NOT EXISTS )?(\S+)`)
	ofTable   = regexp.MustCompile(`(?i)^(?:ALTER TABLE (?:IF EXISTS )?(?:ONLY )?|CREATE UNIQUE INDEX .*? ON (?:ONLY )?)([^\s(]+)`)
	drops     = regexp.MustCompile(`(?i)\bDROP (?:IF EXISTS )?([^\s,]+)`)
	addColumn = regexp.MustCompile(`(?i)\bADD (?:COLUMN )?(?:IF NOT EXISTS )?\S+ `)
)

// breaking are the statements, without texts and in one line, that take something away
// from whoever reads and writes as before.
var breaking = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"it drops a table", regexp.MustCompile(`(?i)^DROP TABLE\b`)},
	{"it empties a table", regexp.MustCompile(`(?i)^TRUNCATE\b`)},
	{"it renames", regexp.MustCompile(`(?i)^ALTER .*\bRENAME\b`)},
	{"it changes a column's type", regexp.MustCompile(`(?i)^ALTER TABLE .*\bALTER (?:COLUMN )?\S+ (?:SET DATA )?TYPE\b`)},
	{"it takes away a default", regexp.MustCompile(`(?i)^ALTER TABLE .*\bDROP DEFAULT\b`)},
	{"it demands a value", regexp.MustCompile(`(?i)^ALTER TABLE .*\bSET NOT NULL\b`)},
	{"it adds a constraint", regexp.MustCompile(`(?i)^ALTER TABLE .*\bADD (?:CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b`)},
	{"it makes a key of an old table's columns", regexp.MustCompile(`(?i)^CREATE UNIQUE INDEX\b`)},
	{"it drops a function, a trigger or a view", regexp.MustCompile(`(?i)^DROP (?:FUNCTION|TRIGGER|VIEW|SEQUENCE|TYPE|SCHEMA)\b`)},
}

// Breaks names what a migration would take away from nodes of the version before,
// nothing if it is marked as the contract of an earlier one.
func Breaks(text string) (problems []string) {
	if marked.MatchString(text) {
		return nil
	}
	text, _, _ = strings.Cut(text, "-- +goose Down")
	text = texts.ReplaceAllString(comments.ReplaceAllString(text, ""), "''")
	fresh := map[string]bool{} // tables that the migration makes itself
	for statement := range strings.SplitSeq(text, ";") {
		statement = strings.TrimSpace(blanks.ReplaceAllString(statement, " "))
		if made := newTable.FindStringSubmatch(statement); made != nil {
			fresh[strings.ToLower(made[1])] = true
		}
		if of := ofTable.FindStringSubmatch(statement); of != nil && fresh[strings.ToLower(of[1])] {
			continue
		}
		for _, b := range breaking {
			if b.pattern.MatchString(statement) {
				problems = append(problems, fmt.Sprintf("%s: %s", b.what, statement))
			}
		}
		problems = append(append(problems, dropped(statement)...), unfilled(statement)...)
	}
	return problems
}

// dropped names the columns that a statement drops; the word COLUMN may be left out.
func dropped(statement string) (problems []string) {
	if !strings.HasPrefix(strings.ToUpper(statement), "ALTER TABLE ") {
		return nil
	}
	for _, drop := range drops.FindAllStringSubmatch(statement, -1) {
		switch strings.ToUpper(drop[1]) {
		case "CONSTRAINT", "DEFAULT", "NOT", "EXPRESSION", "IDENTITY":
		default:
			problems = append(problems, "it drops a column: "+statement)
		}
	}
	return problems
}

// unfilled names the columns that a statement adds which old nodes, who do not know them,
// could not leave out.
func unfilled(statement string) (problems []string) {
	if !strings.HasPrefix(strings.ToUpper(statement), "ALTER TABLE ") {
		return nil
	}
	starts := addColumn.FindAllStringIndex(statement, -1)
	for i, at := range starts {
		end := len(statement)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		column := strings.ToUpper(statement[at[0]:end])
		if strings.Contains(column, "NOT NULL") && !strings.Contains(column, "DEFAULT") && !strings.Contains(column, "GENERATED") {
			problems = append(problems, "it adds a column that has to be filled in, without a default: "+statement)
		}
	}
	return problems
}
