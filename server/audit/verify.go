package audit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Source is an audit as of one moment.
type Source interface {
	// Heads gives all heads there are.
	Heads(ctx context.Context) ([]Head, error)
	// Rows hands out the rows in the order of their numbers. It may be asked twice.
	Rows(ctx context.Context, each func(*Record) error) error
}

// Fault is a kind of break.
type Fault string

// What can be wrong with an audit.
const (
	Changed   Fault = "changed"   // the row is not as it was
	Missing   Fault = "missing"   // there were rows before it that are gone
	Reordered Fault = "reordered" // the row stood in another place
	Inserted  Fault = "inserted"  // the row was not there
	Truncated Fault = "truncated" // rows behind it are gone
	Rewritten Fault = "rewritten" // rows up to it were made anew
	Forged    Fault = "forged"    // a head is not of the key's holder
)

// Break is the first thing that is wrong.
type Break struct {
	Row   int64 `json:"row"` // the row's number
	Fault Fault `json:"fault"`
	// Detail says it in words.
	Detail string `json:"detail"`
}

// Report is what came of a verification.
type Report struct {
	Rows    int64  `json:"rows"`              // that were looked at and are in order
	First   int64  `json:"first,omitempty"`   // the number of the first
	Last    int64  `json:"last,omitempty"`    // and of the last
	Hash    string `json:"hash,omitempty"`    // of the last
	Heads   int    `json:"heads"`             // that fit
	Signed  int    `json:"signed"`            // of them
	Behind  int64  `json:"behind,omitempty"`  // rows behind the last head: nothing but each other holds them
	Pending int64  `json:"pending,omitempty"` // rows that have no place in the chain yet
	Break   *Break `json:"break,omitempty"`
}

// Verify goes over an audit and gives the first break, if there is one. Keys are the public
// keys that are believed; more heads are some that were kept elsewhere.
func Verify(ctx context.Context, source Source, keys []string, more []Head) (Report, error) {
	heads, err := source.Heads(ctx)
	if err != nil {
		return Report{}, err
	}
	v := &walk{heads: append(heads, more...), keys: keys, seen: map[string]int64{}}
	slices.SortStableFunc(v.heads, func(a, b Head) int { return cmp.Compare(a.Last, b.Last) })
	if v.forged(); v.report.Break != nil {
		return v.report, nil
	}
	err = source.Rows(ctx, func(r *Record) error {
		if v.row(r); v.report.Break != nil {
			return errBroken
		}
		return nil
	})
	if v.report.Break != nil {
		return v.report, v.explain(ctx, source)
	}
	if err != nil {
		return v.report, err
	}
	v.end()
	return v.report, nil
}

type brokenError struct{}

func (brokenError) Error() string { return "the chain is broken" }

var errBroken error = brokenError{}

// walk is a verification under way.
type walk struct {
	heads  []Head
	next   int // the first head that was not passed
	keys   []string
	report Report

	begun   bool
	last    Record // the row before
	total   int64  // of rows there ever were, up to it
	seen    map[string]int64
	recent  []string // the hashes in seen, in their order
	suspect *Record  // the row at the break
}

// recentRows is how many rows back an inserted row is looked for.
const recentRows = 1 << 12

func (v *walk) broken(row int64, fault Fault, format string, args ...any) {
	if v.report.Break == nil {
		v.report.Break = &Break{Row: row, Fault: fault, Detail: fmt.Sprintf(format, args...)}
	}
}

func (v *walk) forged() {
	for i := range v.heads {
		h := &v.heads[i]
		if wrong := h.check(v.keys); wrong != "" {
			v.broken(h.Last, Forged, "the head of %s, at row %d, %s", clock(h.At), h.Last, wrong)
			return
		}
	}
}

func (v *walk) row(r *Record) {
	if len(r.Hash) == 0 {
		if r.ID >= Unchained || len(v.heads) == 0 {
			v.report.Pending++
			return
		}
		v.broken(r.ID, Changed, "it has lost its hash")
		return
	}
	if !v.begun {
		v.begin(r)
	}
	switch {
	case !r.Intact():
		v.suspect = keep(r)
		v.broken(r.ID, Changed, "what it says does not fit its hash")
	case v.begun && r.ID <= v.last.ID:
		v.broken(r.ID, Reordered, "it stands behind row %d", v.last.ID)
	case !bytes.Equal(r.Prev, v.last.Hash):
		v.unlinked(r)
	}
	if v.report.Break != nil {
		return
	}
	v.pass(r)
}

// begin finds what the first row follows: nothing, or a cut.
func (v *walk) begin(r *Record) {
	v.begun = true
	v.last = Record{Hash: Genesis}
	for _, h := range v.heads {
		if h.Kind == Cut && h.Last < r.ID {
			v.last, v.total = Record{ID: h.Last, Hash: h.Hash}, h.Count
		}
	}
	v.next, _ = slices.BinarySearchFunc(v.heads, v.last.ID, func(h Head, id int64) int {
		if h.Last <= id {
			return -1
		}
		return 1
	})
	v.report.First = r.ID
}

// unlinked says why an intact row does not follow the one before.
func (v *walk) unlinked(r *Record) {
	v.suspect = keep(r)
	before, known := v.seen[string(r.Prev)]
	switch {
	case known:
		v.broken(v.after(before), Inserted, "row %d follows row %d, and not what stands between", r.ID, before)
	case v.last.ID == 0 || v.report.Rows == 0:
		v.broken(r.ID, Missing, "rows before it are gone, and no head says that they were removed for their age")
	default:
		v.broken(r.ID, Missing, "rows between %d and it are gone", v.last.ID)
	}
}

// after is the first row that was passed behind another.
func (v *walk) after(row int64) int64 {
	for _, hash := range v.recent {
		if id := v.seen[hash]; id > row {
			return id
		}
	}
	return v.last.ID
}

// pass takes a row that is in order, and holds it to the heads.
func (v *walk) pass(r *Record) {
	v.last = Record{ID: r.ID, Hash: bytes.Clone(r.Hash)}
	v.total++
	v.report.Rows++
	v.report.Behind++
	v.seen[string(r.Hash)] = r.ID
	if v.recent = append(v.recent, string(r.Hash)); len(v.recent) > 2*recentRows {
		for _, hash := range v.recent[:recentRows] {
			delete(v.seen, hash)
		}
		v.recent = slices.Clone(v.recent[recentRows:])
	}
	for ; v.next < len(v.heads) && v.heads[v.next].Last <= r.ID; v.next++ {
		h := &v.heads[v.next]
		switch {
		case h.Last < r.ID:
			v.broken(h.Last, Missing, "the head of %s was made at row %d, which is gone", clock(h.At), h.Last)
		case !bytes.Equal(h.Hash, r.Hash):
			v.broken(r.ID, Rewritten, "the head of %s says that its hash was %s, it is %s", clock(h.At), hex.EncodeToString(h.Hash), hex.EncodeToString(r.Hash))
		case h.Count != v.total:
			v.broken(r.ID, Rewritten, "the head of %s says that it was row %d of all, it is %d", clock(h.At), h.Count, v.total)
		}
		if v.report.Break != nil {
			return
		}
		v.report.Behind = 0
	}
}

// end looks whether there were more rows than there are.
func (v *walk) end() {
	r := &v.report
	if !v.begun {
		for _, h := range v.heads { // all that there was may have gone for its age
			if h.Kind == Cut {
				v.last = Record{ID: h.Last, Hash: h.Hash}
			}
		}
	}
	if n := len(v.heads); n > 0 && v.heads[n-1].Last > v.last.ID {
		h := v.heads[n-1]
		v.broken(v.last.ID, Truncated, "the head of %s was made at row %d; the last one there is is %d", clock(h.At), h.Last, v.last.ID)
		return
	}
	r.Last, r.Heads = v.last.ID, len(v.heads)
	if v.last.ID > 0 {
		r.Hash = hex.EncodeToString(v.last.Hash)
	}
	for _, h := range v.heads {
		if len(h.Signature) > 0 {
			r.Signed++
		}
	}
	if len(v.keys) > 0 && len(v.heads) == 0 && r.Rows > 0 {
		v.broken(r.Last, Truncated, "there is no head, so nothing holds these rows to what was")
	}
}

// explain looks at all rows again to tell a row that was changed from one that was moved.
func (v *walk) explain(ctx context.Context, source Source) error {
	b := v.report.Break
	if v.suspect == nil || b.Fault == Inserted {
		return nil
	}
	var moved *Break
	err := source.Rows(ctx, func(r *Record) error {
		switch {
		case b.Fault == Missing && r.ID > b.Row && bytes.Equal(r.Hash, v.suspect.Prev):
			moved = &Break{b.Row, Reordered, fmt.Sprintf("row %d, which it follows, stands behind it", r.ID)}
		case b.Fault == Changed && r.ID != b.Row && v.suspect.belongsAt(r.ID):
			moved = &Break{b.Row, Reordered, fmt.Sprintf("it stood at %d", r.ID)}
			if bytes.Equal(r.Hash, v.suspect.Hash) {
				moved = &Break{b.Row, Inserted, fmt.Sprintf("it is a copy of row %d", r.ID)}
			}
		default:
			return nil
		}
		return errBroken
	})
	if moved != nil {
		v.report.Break = moved
		return nil
	}
	return err
}

// belongsAt reports whether a row would be intact under another number.
func (r *Record) belongsAt(id int64) bool {
	other := *r
	other.ID = id
	return other.Intact()
}

func keep(r *Record) *Record {
	kept := *r
	kept.Prev, kept.Hash = bytes.Clone(r.Prev), bytes.Clone(r.Hash)
	return &kept
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
