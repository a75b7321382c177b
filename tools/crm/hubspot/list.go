package hubspot

import (
	"cmp"
	"context"
	"slices"

	"drawbridge/tools"
)

// A list is looked for at HubSpot by what its search can filter by, and judged here by the
// rest. So that nothing is read for ever, a call looks at scanMost records at most: then the
// caller gets what was found so far, and a cursor to go on from.
const scanMost = 1000

// filter is one condition of a search.
type filter struct {
	Property string   `json:"propertyName"`
	Operator string   `json:"operator"`
	Value    string   `json:"value,omitempty"`
	Values   []string `json:"values,omitempty"`
}

// sorting is the order of a search. HubSpot takes one.
type sorting struct {
	Property  string `json:"propertyName"`
	Direction string `json:"direction"`
}

type filterGroup struct {
	Filters []filter `json:"filters"`
}

type searchBody struct {
	Groups     []filterGroup `json:"filterGroups"`
	Sorts      []sorting     `json:"sorts"`
	Properties []string      `json:"properties"`
	Limit      int           `json:"limit"`
	After      string        `json:"after"`
}

// position is where a page ended: a record's time in its list, and its id. It names its
// list, so that no cursor is taken for another list's.
type position struct {
	List string `json:"l"`
	At   int64  `json:"t"`
	ID   string `json:"i"`
}

// source is one type of records that a list is made of.
type source struct {
	object     string
	properties []string
	// sort is the property by which HubSpot sorts, a time that every record has.
	sort string
	// groups are HubSpot's conditions, one of which has to hold: what they let through is
	// judged by fits again, so that they may be too wide, never too narrow.
	groups [][]filter
	// exact: the conditions are all there are.
	exact bool
}

// row is a record on its way into a list.
type row struct {
	record
	object  string
	at      int64  // its time in the list, in milliseconds
	contact string // the id of the contact it belongs to, once that is known
	person  record // and the contact, where that was asked for
}

// listing is one call of a list.
type listing[R any] struct {
	name    string // of the list, in cursors
	page    tools.Page
	sources []source
	// rising: the earliest first.
	rising bool
	// contact: only records of this one.
	contact string
	// fits judges a record by itself; nil if nothing is asked.
	fits func(row) bool
	// look fills in what rows that fit need besides; nil if nothing.
	look func(ctx context.Context, rows []row) error
	// says judges a row after that; nil if nothing is asked.
	says func(row) bool
	// show makes the family's records of rows.
	show func(ctx context.Context, rows []row) ([]R, error)
}

// run makes the call: a page of what fits, and the cursor behind its last record, "" if
// there is no other.
func (l listing[R]) run(ctx context.Context, b *Backend) ([]R, string, error) {
	var after position
	going, err := tools.DecodeCursor(l.page.Cursor, &after)
	switch {
	case err != nil:
		return nil, "", err
	case going && (after.List != l.name || !numeric(after.ID)):
		return nil, "", badCursor()
	}
	streams, err := l.open(ctx, b, after)
	if err != nil {
		return nil, "", err
	}
	var kept []row
	last, scanned := after, 0
	for len(kept) <= l.page.Size() {
		rows, done, err := l.next(ctx, b, streams, after)
		if err != nil {
			return nil, "", err
		}
		fitting, err := l.judge(ctx, rows)
		if err != nil {
			return nil, "", err
		}
		kept = append(kept, fitting...)
		if scanned += len(rows); len(rows) > 0 {
			last = l.behind(rows[len(rows)-1])
		}
		if done {
			last = position{}
			break
		}
		if scanned >= scanMost {
			break
		}
	}
	if len(kept) > l.page.Size() {
		kept = kept[:l.page.Size()]
		last = l.behind(kept[len(kept)-1])
	}
	shown, err := l.show(ctx, kept)
	if err != nil || last.List == "" {
		return shown, "", err
	}
	return shown, tools.EncodeCursor(last), nil
}

func (l listing[R]) behind(r row) position { return position{List: l.name, At: r.at, ID: r.ID} }

func badCursor() error {
	return tools.Errorf(tools.Invalid, "cursor: not a cursor of this list. Leave it out to start from the first page, or pass next_cursor unchanged.")
}

// compare puts rows into the order of the list.
func (l listing[R]) compare(a, b row) int {
	order := cmp.Or(cmp.Compare(a.at, b.at), byID(a.ID, b.ID))
	if l.rising {
		return order
	}
	return -order
}

// judge keeps the rows that fit.
func (l listing[R]) judge(ctx context.Context, rows []row) ([]row, error) {
	fitting := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return l.fits != nil && !l.fits(r) })
	if l.look != nil && len(fitting) > 0 {
		if err := l.look(ctx, fitting); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(fitting, func(r row) bool { return l.says != nil && !l.says(r) }), nil
}

// whose fills in the contact that each row belongs to: in one request a type of record for
// its id, and in another one, if they are asked for, for the contacts themselves.
func (b *Backend) whose(people bool) func(ctx context.Context, rows []row) error {
	return func(ctx context.Context, rows []row) error {
		unknown := map[string][]string{}
		for _, r := range rows {
			if r.contact == "" {
				unknown[r.object] = append(unknown[r.object], r.ID)
			}
		}
		var ids []string
		for object, of := range unknown {
			owners, err := b.contactsOf(ctx, object, of)
			if err != nil {
				return err
			}
			for i, r := range rows {
				if r.object == object && r.contact == "" {
					rows[i].contact = owners[r.ID]
				}
			}
		}
		for _, r := range rows {
			if r.contact != "" {
				ids = append(ids, r.contact)
			}
		}
		if !people {
			return nil
		}
		found, err := b.contactRecords(ctx, ids)
		for _, person := range found {
			for i, r := range rows {
				if r.contact == person.ID {
					rows[i].person = person
				}
			}
		}
		return err
	}
}
