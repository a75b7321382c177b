package crm_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// keys is a driver that can only say whether it honours keys.
type keys struct {
	crm.All
	honoured bool
}

func (k keys) HonoursKeys(string) bool { return k.honoured }

func catalog(honoured bool) *tools.Catalog {
	return tools.NewCatalog(crm.Tools(crm.New(keys{honoured: honoured})))
}

func TestFamilyHasTheseToolsWithTheseEffects(t *testing.T) {
	var got []string
	for _, tool := range catalog(true).All() {
		line := tool.Name + " " + string(tool.Effect)
		if tool.Destructive {
			line += " destructive"
		}
		if tool.Taints {
			line += " taints"
		}
		if tool.OpenWorld {
			line += " open-world"
		}
		got = append(got, line)
	}
	want := []string{
		"crm_complete_task write destructive taints",
		"crm_create_customer write",
		"crm_create_deal write",
		"crm_create_task write",
		"crm_create_ticket write taints",
		"crm_get_customer read taints",
		"crm_get_order read taints",
		"crm_get_product read",
		"crm_list_interactions read taints",
		"crm_list_tasks read taints",
		"crm_log_interaction write taints",
		"crm_search_customers read taints",
		"crm_search_deals read taints",
		"crm_search_orders read taints",
		"crm_search_products read",
		"crm_search_tickets read taints",
		"crm_update_customer write destructive taints",
		"crm_update_deal write destructive taints",
		"crm_update_order write destructive taints",
		"crm_update_ticket write destructive taints",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWritesAreIdempotentOnlyWhereTheDriverHonoursKeys(t *testing.T) {
	for _, honoured := range []bool{true, false} {
		for _, tool := range catalog(honoured).All() {
			if want := honoured || tool.Effect == tools.Read; tool.Idempotent != want {
				t.Errorf("driver honours keys: %v, %s is idempotent: %v", honoured, tool.Name, tool.Idempotent)
			}
		}
	}
}

func TestEveryPropertyIsDescribed(t *testing.T) {
	for _, tool := range catalog(true).All() {
		for side, schema := range map[string]json.RawMessage{"input": tool.Input, "output": tool.Output} {
			described(t, tool.Name+" "+side, schema)
		}
	}
}

// described walks the properties of a schema.
func described(t *testing.T, where string, raw json.RawMessage) {
	t.Helper()
	var schema struct {
		Properties map[string]json.RawMessage
		Items      json.RawMessage
	}
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	if schema.Items != nil {
		described(t, where+"[]", schema.Items)
	}
	for name, property := range schema.Properties {
		var text struct{ Description string }
		if err := json.Unmarshal(property, &text); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(text.Description, ".") {
			t.Errorf("%s.%s: the description is no sentence: %q", where, name, text.Description)
		}
		described(t, where+"."+name, property)
	}
}

func TestDescriptionsNameOnlyToolsThatExist(t *testing.T) {
	all := catalog(true)
	for _, tool := range all.All() {
		for _, word := range strings.FieldsFunc(tool.Description, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
			if !strings.HasPrefix(word, "crm_") {
				continue
			}
			if _, ok := all.Lookup(word); !ok {
				t.Errorf("%s sends the model to %s, which does not exist", tool.Name, word)
			}
		}
	}
}

// The values that a schema offers are written in tags, those that a check accepts
// in slices. They must be the same.
func TestEnumTagsOfferWhatTheChecksAccept(t *testing.T) {
	accepted := map[reflect.Type][]string{
		reflect.TypeFor[crm.Stage]():        texts(crm.Stages),
		reflect.TypeFor[crm.Kind]():         texts(crm.Kinds),
		reflect.TypeFor[crm.Sentiment]():    texts(crm.Sentiments),
		reflect.TypeFor[crm.OrderStatus]():  texts(crm.OrderStatuses),
		reflect.TypeFor[crm.TicketStatus](): texts(crm.TicketStatuses),
		reflect.TypeFor[crm.Priority]():     texts(crm.Priorities),
		reflect.TypeFor[crm.DealStage]():    texts(crm.DealStages),
		reflect.TypeFor[crm.TaskStatus]():   texts(crm.TaskFilters),
	}
	for _, of := range []reflect.Type{
		reflect.TypeFor[crm.Customer](), reflect.TypeFor[crm.CustomerDraft](), reflect.TypeFor[crm.CustomerUpdate](), reflect.TypeFor[crm.CustomerSearch](),
		reflect.TypeFor[crm.Interaction](), reflect.TypeFor[crm.InteractionDraft](), reflect.TypeFor[crm.InteractionQuery](),
		reflect.TypeFor[crm.TaskQuery](),
		reflect.TypeFor[crm.Order](), reflect.TypeFor[crm.OrderUpdate](), reflect.TypeFor[crm.OrderSearch](),
		reflect.TypeFor[crm.Ticket](), reflect.TypeFor[crm.TicketDraft](), reflect.TypeFor[crm.TicketUpdate](), reflect.TypeFor[crm.TicketSearch](),
		reflect.TypeFor[crm.Deal](), reflect.TypeFor[crm.DealDraft](), reflect.TypeFor[crm.DealUpdate](), reflect.TypeFor[crm.DealSearch](),
	} {
		for i := range of.NumField() {
			field := of.Field(i)
			kind := field.Type
			if kind.Kind() == reflect.Pointer {
				kind = kind.Elem()
			}
			want, ok := accepted[kind]
			if ok && !slices.Equal(strings.Split(field.Tag.Get("enum"), ","), want) {
				t.Errorf("%s.%s offers %q, the check accepts %q", of, field.Name, field.Tag.Get("enum"), want)
			}
		}
	}
}

func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}
