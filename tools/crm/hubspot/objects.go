package hubspot

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"drawbridge/tools"
)

// The types of records, as the API's paths name them.
const (
	contacts  = "contacts"
	companies = "companies"
	deals     = "deals"
	tickets   = "tickets"
	orders    = "orders"
	lineItems = "line_items"
	products  = "products"
	taskType  = "tasks"
	notes     = "notes"
	calls     = "calls"
	emails    = "emails"
	meetings  = "meetings"
)

// toContact are the numbers of HubSpot's own associations with a contact.
var toContact = map[string]int{tickets: 16, deals: 3, taskType: 204, notes: 202}

// record is one record of any type. HubSpot keeps every value as a text.
type record struct {
	ID         string             `json:"id"`
	Properties map[string]*string `json:"properties"`
	CreatedAt  time.Time          `json:"createdAt"`
	UpdatedAt  time.Time          `json:"updatedAt"`
}

// is the value of a property, "" if it has none.
func (r record) is(property string) string {
	if value := r.Properties[property]; property != "" && value != nil {
		return *value
	}
	return ""
}

// time is the value of a property that is a time; the zero time if it has none.
func (r record) time(property string) time.Time {
	return moment(r.is(property))
}

// moment reads a time as HubSpot writes it: RFC 3339, milliseconds, or of a date the day.
func moment(text string) time.Time {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC().Truncate(time.Millisecond)
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

func (r record) created() time.Time { return r.CreatedAt.UTC().Truncate(time.Millisecond) }
func (r record) updated() time.Time { return r.UpdatedAt.UTC().Truncate(time.Millisecond) }

// stamp writes a time as a property's value.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// byID compares ids, which are whole numbers: a longer one is larger.
func byID(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// numeric reports whether a reference can be a record's id.
func numeric(ref string) bool {
	return ref != "" && len(ref) <= 20 && strings.Trim(ref, "0123456789") == ""
}

// get reads one record by its id, which is a whole number.
func (b *Backend) get(ctx context.Context, object, id string, properties []string) (record, error) {
	var found record
	err := b.read(ctx, request{method: http.MethodGet, path: objectsPath(object, id), query: url.Values{"properties": {strings.Join(properties, ",")}}}, &found)
	if err == nil && found.ID == "" {
		err = b.readError(errors.New("an answer that is no record"))
	}
	return found, err
}

// named reads the record that has a unique value. The value goes into the body, since in a
// path a text of somebody's could lead elsewhere.
func (b *Backend) named(ctx context.Context, object, property, value string, properties []string) (record, error) {
	found, err := b.batchOf(ctx, object, property, []string{value}, properties)
	if err != nil {
		return record{}, err
	}
	if len(found) == 0 || found[0].ID == "" {
		return record{}, tools.Errorf(tools.NotFound, "HubSpot knows no %s whose %s is %q", object, property, value)
	}
	return found[0], nil
}

// association ties a record to be made to a contact.
type association struct {
	To    identity          `json:"to"`
	Types []associationType `json:"types"`
}

type associationType struct {
	Category string `json:"associationCategory"`
	ID       int    `json:"associationTypeId"`
}

type identity struct {
	ID string `json:"id"`
}

// create makes a record, associated with a contact if one is named, in one request.
func (b *Backend) create(ctx context.Context, object, contact string, properties map[string]string) (record, error) {
	associations := []association{}
	if contact != "" {
		associations = append(associations, association{To: identity{contact}, Types: []associationType{{"HUBSPOT_DEFINED", toContact[object]}}})
	}
	var made record
	err := b.write(ctx, request{method: http.MethodPost, path: objectsPath(object), body: struct {
		Properties   map[string]string `json:"properties"`
		Associations []association     `json:"associations"`
	}{properties, associations}}, &made)
	return made, b.wrote(object, made, err)
}

// update changes properties of a record.
func (b *Backend) update(ctx context.Context, object, id string, properties map[string]string) (record, error) {
	var changed record
	err := b.write(ctx, request{method: http.MethodPatch, path: objectsPath(object, id), body: struct {
		Properties map[string]string `json:"properties"`
	}{properties}}, &changed)
	return changed, b.wrote(object, changed, err)
}

// wrote notes a record that was written, if the answer is one.
func (b *Backend) wrote(object string, answered record, err error) error {
	switch {
	case err != nil:
		return err
	case answered.ID == "":
		return unknownOutcome()
	}
	b.recent.note(object, answered.ID, b.now())
	return nil
}

// merged is a record as it is after a write: what HubSpot answers, which need not name
// every property, over what it was, and what was written.
func merged(answered record, was ...map[string]string) record {
	all := map[string]*string{}
	for _, properties := range was {
		for name, value := range properties {
			all[name] = &value
		}
	}
	for name, value := range answered.Properties {
		if value != nil {
			all[name] = value
		}
	}
	answered.Properties = all
	return answered
}

// values are a record's properties.
func (r record) values() map[string]string {
	values := map[string]string{}
	for name, value := range r.Properties {
		if value != nil {
			values[name] = *value
		}
	}
	return values
}

// batch is how many records one request reads.
const batch = 100

// batchRead reads records by id, many in one request. Those that do not exist are left out.
func (b *Backend) batchRead(ctx context.Context, object string, ids, properties []string) ([]record, error) {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, byID)
	var found []record
	for some := range slices.Chunk(slices.Compact(ids), batch) {
		page, err := b.batchOf(ctx, object, "", some, properties)
		if err != nil {
			return nil, err
		}
		found = append(found, page...)
	}
	return found, nil
}

// batchOf reads up to a hundred records. by is the unique property that the ids are values
// of; "" for that they are ids.
func (b *Backend) batchOf(ctx context.Context, object, by string, ids, properties []string) ([]record, error) {
	inputs := make([]identity, len(ids))
	for i, id := range ids {
		inputs[i] = identity{id}
	}
	var page struct {
		Results []record `json:"results"`
	}
	err := b.read(ctx, request{method: http.MethodPost, path: objectsPath(object, "batch", "read"), body: struct {
		By         string     `json:"idProperty,omitempty"`
		Inputs     []identity `json:"inputs"`
		Properties []string   `json:"properties"`
		History    []string   `json:"propertiesWithHistory"`
	}{by, inputs, properties, []string{}}}, &page)
	return page.Results, err
}

// mostAssociated is how many records of a contact are read one by one; of those who have
// more the search is asked.
const mostAssociated = 500

// associated are the ids of a contact's records of a type. more: there are others besides.
func (b *Backend) associated(ctx context.Context, from, id, to string) (ids []string, more bool, err error) {
	var page struct {
		Results []struct {
			To string `json:"toObjectId"`
		} `json:"results"`
		Paging paging `json:"paging"`
	}
	query := url.Values{"limit": {strconv.Itoa(mostAssociated)}}
	err = b.read(ctx, request{method: http.MethodGet, path: objectsPath(from, id, "associations", to), query: query}, &page)
	for _, one := range page.Results {
		ids = append(ids, one.To)
	}
	return ids, page.Paging.Next.After != "", err
}

type paging struct {
	Next struct {
		After string `json:"after"`
	} `json:"next"`
}

// contactsOf are the contacts of records, in one request for all of them: of each the one
// with the lowest id, which is the one that was there first.
func (b *Backend) contactsOf(ctx context.Context, object string, ids []string) (map[string]string, error) {
	owners := map[string]string{}
	for some := range slices.Chunk(ids, batch) {
		inputs := make([]identity, len(some))
		for i, id := range some {
			inputs[i] = identity{id}
		}
		var page struct {
			Results []struct {
				From identity `json:"from"`
				To   []struct {
					ID string `json:"toObjectId"`
				} `json:"to"`
			} `json:"results"`
		}
		err := b.read(ctx, request{method: http.MethodPost, path: associationsPath(object, contacts), body: struct {
			Inputs []identity `json:"inputs"`
		}{inputs}}, &page)
		if err != nil {
			return nil, err
		}
		for _, row := range page.Results {
			for _, to := range row.To {
				if known := owners[row.From.ID]; known == "" || byID(to.ID, known) < 0 {
					owners[row.From.ID] = to.ID
				}
			}
		}
	}
	return owners, nil
}

// one reads one record by its id, with the contact it belongs to.
func (b *Backend) one(ctx context.Context, object, ref string, properties []string, what, look string) (row, error) {
	if !numeric(ref) {
		return row{}, noSuch(what, ref, look)
	}
	found, err := b.get(ctx, object, ref, properties)
	if missing(err) {
		return row{}, noSuch(what, ref, look)
	}
	if err != nil {
		return row{}, err
	}
	rows := []row{{record: found, object: object}}
	err = b.whose(false)(ctx, rows)
	return rows[0], err
}

func noSuch(what, ref, look string) error {
	return tools.Errorf(tools.NotFound, "no %s %q. Look with %s.", what, ref, look)
}

// milliseconds is a time as a search compares it.
func milliseconds(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }
