package shopify

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/shop"
)

// pageSize is how many things are asked for at once: more of them may cost too much.
const pageSize = 50

// position is where a page ended. It names its list, so that no cursor is taken for another
// list's.
type position struct {
	List string `json:"l"`
	End  string `json:"e"`
}

// listing is one call of a list.
type listing[T, R any] struct {
	op   operation
	root string
	page tools.Page
	show func(*T) (R, error)
}

// run makes the call, with terms that must all hold.
func (l listing[T, R]) run(ctx context.Context, b *Backend, terms []string) (shop.List[R], error) {
	found := shop.List[R]{Items: []R{}}
	var after position
	going, err := tools.DecodeCursor(l.page.Cursor, &after)
	if err != nil || going && (after.List != l.root || after.End == "") {
		return found, badCursor()
	}
	slices.Sort(terms)
	vars := variables{}
	if len(terms) > 0 {
		vars["query"] = strings.Join(terms, " AND ")
	}
	for {
		vars["first"] = min(pageSize, l.page.Size()-len(found.Items))
		if after.End != "" {
			vars["after"] = after.End
		}
		var data map[string]json.RawMessage
		var page list[T]
		err := b.run(ctx, l.op, vars, &data)
		if err == nil {
			err = json.Unmarshal(data[l.root], &page)
		}
		switch {
		case going && tools.CodeOf(err) == tools.Invalid && strings.Contains(strings.ToLower(err.Error()), "cursor"):
			return found, badCursor()
		case err != nil:
			return found, err
		}
		for i := range page.Nodes {
			one, err := l.show(&page.Nodes[i])
			if err != nil {
				return found, err
			}
			found.Items = append(found.Items, one)
		}
		switch {
		case !page.Page.More || page.Page.End == "" || len(page.Nodes) == 0:
			return found, nil
		case len(found.Items) >= l.page.Size():
			found.Next = tools.EncodeCursor(position{List: l.root, End: page.Page.End})
			return found, nil
		}
		after.End = page.Page.End
	}
}

func badCursor() error {
	return tools.Errorf(tools.Invalid, "cursor: not a cursor of this list. Leave it out to start from the first page, or pass next_cursor unchanged.")
}
