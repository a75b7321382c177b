package restmount

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxCursor bounds what is passed on of a place in a list, in bytes.
const maxCursor = 2048

// next says how to get the next page, "" if there is none, or nobody knows.
func (o *operation) next(header http.Header, value any, arguments json.RawMessage) string {
	if o.writes() && o.paging == nil {
		return ""
	}
	given, err := read(arguments)
	if err != nil {
		return ""
	}
	if o.paging != nil { // the settings' word is all there is
		if text := cursor(at(value, strings.Split(o.paging.From, "."))); text != "" {
			return o.call(map[string]any{o.paging.Argument: text})
		}
		return ""
	}
	for _, way := range []func() map[string]any{
		func() map[string]any { return o.byLink(linkNext(header)) },
		func() map[string]any { return o.byCursor(value) },
		func() map[string]any { return o.byLastItem(value) },
		func() map[string]any { return o.byNumber(value, given) },
	} {
		if found := way(); len(found) > 0 {
			return o.call(found)
		}
	}
	return ""
}

// call is the hint itself.
func (o *operation) call(with map[string]any) string {
	raw, err := json.Marshal(with)
	if err != nil || len(raw) > maxCursor {
		return ""
	}
	return fmt.Sprintf("There is more: for the next page call again with the same arguments and %s.", raw)
}

// query finds the argument that fills a parameter of the query.
func (o *operation) query(name string) (parameter, bool) {
	i := slices.IndexFunc(o.parameters, func(p parameter) bool { return p.In == inQuery && p.Name == name && p.Argument != "" })
	if i < 0 {
		return parameter{}, false
	}
	return o.parameters[i], true
}

var relNext = regexp.MustCompile(`(?i);\s*rel\s*=\s*"?([^";]*\s)?next(\s[^";]*)?"?\s*(;|$)`)

var linkValue = regexp.MustCompile(`<([^<>]*)>([^<]*)`)

// linkNext is the target of a Link header with rel=next (RFC 8288).
func linkNext(header http.Header) string {
	for _, line := range header.Values("Link") {
		for _, found := range linkValue.FindAllStringSubmatch(line, 50) {
			if relNext.MatchString(strings.TrimRight(found[2], ", \t")) {
				return found[1]
			}
		}
	}
	return ""
}

// byLink takes from the address of the next page what parameters say which page it is.
func (o *operation) byLink(raw string) map[string]any {
	u, err := url.Parse(raw)
	if raw == "" || err != nil {
		return nil
	}
	with := map[string]any{}
	for name, values := range u.Query() {
		if p, ok := o.query(name); ok && len(values) > 0 && slices.Contains(turners, name) {
			with[p.Argument] = typed(values[0], name)
		}
	}
	return with
}

// turners are the names of parameters that say which page is wanted.
var turners = []string{"page", "cursor", "page_token", "pageToken", "PageToken", "page[cursor]", "page[number]", "page[after]", "page[offset]", "starting_after", "after", "since",
	"offset", "start", "skip", "next", "next_cursor", "next_token", "nextToken", "nextPageToken", "Page", "marker", "continuation", "continuationToken", "page_number", "pageNumber", "start_cursor", "$skip", "$skiptoken"}

// typed is a number where pages are counted.
func typed(text, name string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && slices.Contains([]string{"page", "offset", "start", "skip", "page[number]", "page[offset]", "page_number", "pageNumber", "$skip", "Page"}, name) {
		return n
	}
	return text
}

// cursors are where answers have the place of the next page.
var cursors = [][]string{{"next_cursor"}, {"nextCursor"}, {"next_page_token"}, {"nextPageToken"}, {"response_metadata", "next_cursor"}, {"meta", "next_cursor"},
	{"paging", "next", "after"}, {"pagination", "next_cursor"}, {"page_info", "end_cursor"}, {"pageInfo", "endCursor"}, {"next_token"}, {"nextToken"}, {"NextToken"},
	{"cursor"}, {"meta", "next_page"}, {"next_page"}, {"nextPage"}, {"pagination", "next_page"}, {"continuationToken"}}

// links are where answers have the address of the next page.
var links = [][]string{{"next"}, {"links", "next"}, {"_links", "next", "href"}, {"links", "pages", "next"}, {"@odata.nextLink"}, {"paging", "next"}, {"meta", "next"}, {"next_page_url"},
	{"next_page_uri"}, {"meta", "next_page_url"}, {"pagination", "next"}, {"next_url"}, {"nextLink"}}

// byCursor finds a place or an address in the answer, and the parameter that takes it.
func (o *operation) byCursor(value any) map[string]any {
	for _, place := range links {
		if text, ok := at(value, place).(string); ok && strings.ContainsAny(text, "/?") {
			if with := o.byLink(text); len(with) > 0 {
				return with
			}
		}
	}
	if more, ok := at(value, []string{"has_more"}).(bool); ok && !more {
		return nil
	}
	for _, place := range cursors {
		text := cursor(at(value, place))
		if text == "" {
			continue
		}
		names := []string{"cursor", "page_token", "pageToken", "PageToken", "after", "next_token", "nextToken", "next_cursor", "start_cursor", "page[cursor]", "page[after]", "starting_after", "continuationToken", "marker", "page", "offset"}
		for _, name := range names {
			if p, ok := o.query(name); ok {
				return map[string]any{p.Argument: typed(text, name)}
			}
		}
	}
	return nil
}

// cursor is a place as text: what is neither text nor number is none.
func cursor(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// byLastItem is Stripe's way: more, after the id of the last item.
func (o *operation) byLastItem(value any) map[string]any {
	if more, ok := at(value, []string{"has_more"}).(bool); !ok || !more {
		return nil
	}
	items := itemsOf(value)
	if len(items) == 0 {
		return nil
	}
	id := cursor(at(items[len(items)-1], []string{"id"}))
	for _, name := range []string{"starting_after", "after"} {
		if p, ok := o.query(name); ok && id != "" {
			return map[string]any{p.Argument: id}
		}
	}
	return nil
}

// itemsOf is the list that an answer is, or its only one at the top.
func itemsOf(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	top, _ := value.(map[string]any)
	for _, name := range []string{"data", "items", "results", "records", "value", "values", "entries"} {
		if list, ok := top[name].([]any); ok {
			return list
		}
	}
	var only []any
	for _, member := range top {
		if list, ok := member.([]any); ok {
			if only != nil {
				return nil
			}
			only = list
		}
	}
	return only
}

// byNumber counts: a page that is as full as was asked for has likely one behind it.
func (o *operation) byNumber(value any, given map[string]any) map[string]any {
	size := int64(0)
	for _, name := range []string{"per_page", "limit", "page_size", "pageSize", "PageSize", "page[size]", "count", "size", "$top"} {
		if p, ok := o.query(name); ok {
			size = number(given[p.Argument], 0)
			break
		}
	}
	if size <= 0 || int64(len(itemsOf(value))) < size {
		return nil
	}
	for _, name := range []string{"page", "page[number]", "page_number", "pageNumber"} {
		if p, ok := o.query(name); ok {
			return map[string]any{p.Argument: number(given[p.Argument], 1) + 1}
		}
	}
	for _, name := range []string{"offset", "skip", "start", "page[offset]", "$skip"} {
		if p, ok := o.query(name); ok {
			return map[string]any{p.Argument: number(given[p.Argument], 0) + size}
		}
	}
	return nil
}

func number(value any, otherwise int64) int64 {
	if n, ok := value.(json.Number); ok {
		if i, err := n.Int64(); err == nil {
			return i
		}
	}
	return otherwise
}
