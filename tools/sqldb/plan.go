package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Standing is how the tables of a component in a database compare with those of this
// program.
type Standing struct {
	Component string
	At        int64 // the version in the database, 0 if it has none of its tables yet
	Newest    int64 // the version of this program
	Pending   []Step
}

// Step is a migration that was not run yet.
type Step struct {
	Version int64
	Name    string
	// Contract is the version since which no program uses any more what this step takes
	// away, 0 if it only adds. Whoever knows that version may go on beside it.
	Contract int64

	statements string // what stands between "-- +goose Up" and "-- +goose Down"
}

// NewerError: the database is of a version that this program does not know.
type NewerError struct {
	Component  string
	At, Newest int64
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("a newer version of this program wrote it (%s: version %d, and this program knows up to %d): use that version or a later one", e.Component, e.At, e.Newest)
}

// Beside reports whether programs that know the component as it stands now may go on
// running while the pending steps are run, and after them.
func (s Standing) Beside() bool {
	return !slices.ContainsFunc(s.Pending, func(step Step) bool { return step.Contract > s.At })
}

// Stand compares the components with a database, and changes nothing. One that is newer
// than this program is a [NewerError]; what there is to tell of it is in the result as well.
func Stand(ctx context.Context, db *sql.DB, engine Dialect, schemas ...Schema) ([]Standing, error) {
	var all []Standing
	var newer error
	for _, s := range schemas {
		steps, err := s.steps(engine)
		if err != nil {
			return nil, fmt.Errorf("reading the migrations of %s: %w", s.Name, err)
		}
		at, err := s.version(ctx, db, engine)
		if err != nil {
			return nil, fmt.Errorf("looking at the version of %s: %w", s.Name, err)
		}
		one := Standing{Component: s.Name, At: at, Newest: steps[len(steps)-1].Version}
		for _, step := range steps {
			if step.Version > at {
				one.Pending = append(one.Pending, step)
			}
		}
		if at > one.Newest && newer == nil {
			newer = &NewerError{s.Name, at, one.Newest}
		}
		all = append(all, one)
	}
	return all, newer
}

// version reads what was run, 0 where nothing was.
func (s Schema) version(ctx context.Context, db *sql.DB, engine Dialect) (at int64, err error) {
	look := `SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = ?`
	if engine == Postgres {
		look = `SELECT COUNT(to_regclass($1))`
	}
	var there int
	err = db.QueryRowContext(ctx, look, s.table()).Scan(&there)
	if err != nil || there == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+s.table()).Scan(&at)
	return at, err
}

// steps reads the component's migrations, the first version first.
func (s Schema) steps(engine Dialect) ([]Step, error) {
	names, err := fs.Glob(s.Files, engine.folder()+"/*.sql")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("there are none")
	}
	steps := make([]Step, len(names))
	for i, name := range names {
		text, err := fs.ReadFile(s.Files, name)
		if err == nil {
			steps[i], err = stepOf(name, string(text))
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(steps, func(a, b Step) int { return cmp.Compare(a.Version, b.Version) })
	return steps, nil
}

// contractMark is the line that a migration which takes something away has above its
// first statement: "-- contract of 12: nothing has read runs.route since".
var contractMark = regexp.MustCompile(`(?m)^-- contract of (\d+)\b`)

func stepOf(file, text string) (Step, error) {
	name := strings.TrimSuffix(path.Base(file), ".sql")
	number, name, _ := strings.Cut(name, "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return Step{}, fmt.Errorf("%s: expected a name such as 00012_things.sql", file)
	}
	step := Step{Version: version, Name: name}
	up, _, _ := strings.Cut(text, "-- +goose Down")
	_, statements, found := strings.Cut(up, "-- +goose Up")
	if !found || strings.Contains(up, "+goose NO TRANSACTION") {
		return Step{}, fmt.Errorf("%s: expected \"-- +goose Up\" on a line of its own, and nothing that has to run outside of a transaction", file)
	}
	step.statements = statements
	if mark := contractMark.FindStringSubmatch(text); mark != nil {
		if step.Contract, err = strconv.ParseInt(mark[1], 10, 64); err != nil || step.Contract < 1 || step.Contract >= version {
			return Step{}, fmt.Errorf("%s: contract of %s: expected an earlier version than its own", file, mark[1])
		}
	}
	return step, nil
}
