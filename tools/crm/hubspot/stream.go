package hubspot

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"drawbridge/tools"
)

// searchEnd is how far into what it finds HubSpot's search goes, in records. Lists go on
// from a time and not from a number, so that only records of one and the same millisecond
// can be more.
const searchEnd = 10_000

// stream are the records of one source, in the order of the list, as far as they were read.
type stream struct {
	source
	of       string // the contact whose records are searched for
	offset   string // where the search goes on
	complete bool
	// edge is the time of the last record that the search gave: others of that time may
	// come, earlier in the list none.
	edge   int64
	unsent []row           // read, in order, and not given yet
	known  map[string]bool // ids that were read
}

// open makes the streams of the sources. The records of one contact are found by what they
// are associated with, which holds at once; all others, and those of a contact who has very
// many, by the search.
func (l listing[R]) open(ctx context.Context, b *Backend, from position) ([]*stream, error) {
	streams := make([]*stream, len(l.sources))
	group, ctx := errgroup.WithContext(ctx)
	for i, s := range l.sources {
		streams[i] = &stream{source: s, known: map[string]bool{}}
		group.Go(func() error { return l.start(ctx, b, streams[i], from) })
	}
	return streams, group.Wait()
}

func (l listing[R]) start(ctx context.Context, b *Backend, st *stream, from position) error {
	if l.contact == "" {
		return l.freshen(ctx, b, st, from)
	}
	ids, more, err := b.associated(ctx, contacts, l.contact, st.object)
	if err != nil {
		return err
	}
	if more {
		st.of = l.contact
		return l.freshen(ctx, b, st, from)
	}
	found, err := b.batchRead(ctx, st.object, ids, st.properties)
	st.complete = true
	l.take(st, from, found)
	return err
}

// freshen reads what this node wrote just now, which a search may not show yet, or not as
// it is.
func (l listing[R]) freshen(ctx context.Context, b *Backend, st *stream, from position) error {
	ids := b.recent.ids(st.object, b.now())
	if len(ids) == 0 {
		return nil
	}
	found, err := b.batchRead(ctx, st.object, ids, st.properties)
	if err != nil {
		return err
	}
	if st.of != "" {
		owners, err := b.contactsOf(ctx, st.object, ids)
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(r record) bool { return owners[r.ID] != st.of })
	}
	l.take(st, from, found)
	return nil
}

// take adds records to a stream: those behind the cursor that it has not got yet.
func (l listing[R]) take(st *stream, from position, records []record) {
	cursor := row{record: record{ID: from.ID}, at: from.At}
	for _, rec := range records {
		r := row{record: rec, object: st.object, at: st.time(rec), contact: l.contact}
		if st.known[r.ID] {
			continue
		}
		st.known[r.ID] = true
		if from.List == "" || l.compare(cursor, r) < 0 {
			st.unsent = append(st.unsent, r)
		}
	}
	slices.SortFunc(st.unsent, l.compare)
}

func (s source) time(r record) int64 {
	at := r.time(s.sort)
	if at.IsZero() {
		at = r.created()
	}
	return at.UnixMilli()
}

// search reads the next page of what HubSpot finds.
func (l listing[R]) search(ctx context.Context, b *Backend, st *stream, from position) error {
	body := searchBody{Groups: l.conditions(st, from), Sorts: []sorting{{st.sort, "DESCENDING"}}, Properties: st.properties, Limit: batch, After: st.offset}
	if l.rising {
		body.Sorts[0].Direction = "ASCENDING"
	}
	if st.exact {
		body.Limit = min(max(l.page.Size()+2, 20), batch) // one more says that there are others, another one that it is whole
	}
	if body.After == "" {
		body.After = "0"
	}
	var page struct {
		Results []record `json:"results"`
		Paging  paging   `json:"paging"`
	}
	if err := b.read(ctx, request{method: http.MethodPost, path: objectsPath(st.object, "search"), body: body, search: true}, &page); err != nil {
		return err
	}
	st.offset = page.Paging.Next.After
	if st.complete = st.offset == "" || len(page.Results) == 0; !st.complete {
		st.edge = st.time(page.Results[len(page.Results)-1])
	}
	l.take(st, from, page.Results)
	if at, err := strconv.Atoi(st.offset); err == nil && at+batch > searchEnd {
		return tools.Errorf(tools.Invalid, "more than %d records have one and the same time, and HubSpot's search shows no others; narrow the search down, by customer or by status", searchEnd-batch)
	}
	return nil
}

// conditions are those of the source, from the cursor on, of the contact.
func (l listing[R]) conditions(st *stream, from position) []filterGroup {
	var all []filter
	if from.List != "" {
		side := "LTE"
		if l.rising {
			side = "GTE"
		}
		all = append(all, filter{Property: st.sort, Operator: side, Value: strconv.FormatInt(from.At, 10)})
	}
	if st.of != "" {
		all = append(all, filter{Property: "associations.contact", Operator: "EQ", Value: st.of})
	}
	groups := st.groups
	if len(groups) == 0 {
		groups = [][]filter{nil}
	}
	conditions := []filterGroup{}
	for _, group := range groups {
		if filters := slices.Concat(group, all); len(filters) > 0 {
			conditions = append(conditions, filterGroup{filters})
		}
	}
	return conditions
}

// sure reports whether nothing that was not read yet can come before a row, or beside it.
func (l listing[R]) sure(r row, streams []*stream) bool {
	for _, st := range streams {
		if !st.complete && (l.rising && r.at >= st.edge || !l.rising && r.at <= st.edge) {
			return false
		}
	}
	return true
}

// next gives the rows that are surely next, of all streams. done: there are no others.
func (l listing[R]) next(ctx context.Context, b *Backend, streams []*stream, from position) (rows []row, done bool, err error) {
	done = true
	for _, st := range streams {
		if st.complete {
			continue
		}
		if st.offset == "" || len(st.unsent) == 0 || !l.sure(st.unsent[0], []*stream{st}) {
			if err := l.search(ctx, b, st, from); err != nil {
				return nil, false, err
			}
		}
		done = done && st.complete
	}
	for _, st := range streams {
		n := slices.IndexFunc(st.unsent, func(r row) bool { return !l.sure(r, streams) })
		if n < 0 {
			n = len(st.unsent)
		}
		rows = append(rows, st.unsent[:n]...)
		st.unsent = st.unsent[n:]
	}
	slices.SortFunc(rows, l.compare)
	return rows, done, nil
}
