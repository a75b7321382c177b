package stripe

import (
	"context"
	"math"
	"strings"
	"time"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

// Stripe's lists can be filtered by little. What else is asked for is looked for in what
// they return, newest first, in pages of scanPage and at most scanMost things a call: then
// the caller gets what was found so far, and a cursor to go on from.
const (
	scanPage = 100
	scanMost = 1000
)

// position is where a page ended. It names its list, so that no cursor is taken for
// another list's.
type position struct {
	List string `json:"l"`
	ID   string `json:"i"`
}

// listing is one call of a list.
type listing[T, R any] struct {
	name string // of the list, in cursors
	page tools.Page
	// every: the request's own filters are all there are, so that no more is asked for
	// than is shown.
	every bool
	ask   func(ctx context.Context, params stripe.ListParams) *stripe.V1List[T]
	id    func(T) string
	// keep turns what fits into the family's record.
	keep func(ctx context.Context, item T) (R, bool, error)
}

// run makes the call.
func (l listing[T, R]) run(ctx context.Context, b *Backend) (payment.List[R], error) {
	list := payment.List[R]{Items: []R{}}
	var after position
	going, err := tools.DecodeCursor(l.page.Cursor, &after)
	switch {
	case err != nil:
		return list, err
	case going && (after.List != l.name || after.ID == ""):
		return list, badCursor()
	}
	size := int64(scanPage)
	if l.every {
		size = int64(l.page.Size())
	}
	for seen := 0; ; {
		page, err := read(ctx, b, func(ctx context.Context) (*stripe.V1List[T], error) {
			params := stripe.ListParams{Limit: stripe.Int64(size), Single: true}
			if after.ID != "" {
				params.StartingAfter = stripe.String(after.ID)
			}
			found := l.ask(ctx, params)
			return found, found.Err()
		})
		switch {
		case going && seen == 0 && missing(err) && strings.Contains(err.Error(), "starting_after"):
			return list, badCursor()
		case err != nil:
			return list, err
		}
		items := page.Data()
		for i, item := range items {
			record, fits, err := l.keep(ctx, item)
			if err != nil {
				return list, err
			}
			after.ID = l.id(item)
			if fits {
				list.Items = append(list.Items, record)
			}
			if len(list.Items) == l.page.Size() {
				if i < len(items)-1 || page.Meta().HasMore {
					list.Next = l.cursor(after)
				}
				return list, nil
			}
		}
		seen += len(items)
		switch {
		case !page.Meta().HasMore || len(items) == 0:
			return list, nil
		case seen >= scanMost:
			list.Next = l.cursor(after)
			return list, nil
		}
	}
}

func (l listing[T, R]) cursor(at position) string {
	at.List = l.name
	return tools.EncodeCursor(at)
}

func badCursor() error {
	return tools.Errorf(tools.Invalid, "cursor: not a cursor of this list, or what it stood at is gone. Leave it out to start from the first page, or pass next_cursor unchanged.")
}

// all reads a whole list, of at most scanMost things.
func all[T any](ctx context.Context, b *Backend, id func(T) string, ask func(ctx context.Context, params stripe.ListParams) *stripe.V1List[T]) ([]T, error) {
	items, after := []T{}, ""
	for {
		page, err := read(ctx, b, func(ctx context.Context) (*stripe.V1List[T], error) {
			params := stripe.ListParams{Limit: stripe.Int64(scanPage), Single: true}
			if after != "" {
				params.StartingAfter = stripe.String(after)
			}
			found := ask(ctx, params)
			return found, found.Err()
		})
		if err != nil {
			return nil, err
		}
		items = append(items, page.Data()...)
		if !page.Meta().HasMore || len(page.Data()) == 0 || len(items) >= scanMost {
			return items, nil
		}
		after = id(items[len(items)-1])
	}
}

// created restricts by the time that things were made; nil if nothing is said. Stripe
// counts whole seconds: the bounds are the first second that is not before each.
func created(c payment.Criteria) *stripe.RangeQueryParams {
	if c.After.IsZero() && c.Before.IsZero() {
		return nil
	}
	r := &stripe.RangeQueryParams{}
	if !c.After.IsZero() {
		r.GreaterThanOrEqual = secondsUp(c.After)
	}
	if !c.Before.IsZero() {
		r.LesserThan = secondsUp(c.Before)
	}
	return r
}

func secondsUp(at time.Time) int64 {
	seconds := at.Unix()
	if at.Nanosecond() > 0 && seconds < math.MaxInt64 {
		seconds++
	}
	return seconds
}

// fits reports whether a sum is among those searched for.
func fits(c payment.Criteria, sum payment.Money) bool {
	return (c.Currency == "" || c.Currency == sum.Currency) &&
		(c.Min == nil || sum.AmountMinor >= *c.Min) && (c.Max == nil || sum.AmountMinor <= *c.Max)
}

// says reports whether one of the texts holds the words searched for.
func says(words string, texts ...string) bool {
	if words == "" {
		return true
	}
	words = strings.ToLower(words)
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), words) {
			return true
		}
	}
	return false
}

// moment is a time as a record holds it; the zero time if there is none.
func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
