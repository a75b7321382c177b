package salesforce

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// Salesforce has no idempotency keys. But what is made with a value in a field that is an
// external id is made once for that value: made again, it is found. So where the settings
// name such a field of an object, what the tools make there keeps the call's key. A change of
// what is there keeps none.

var _ crm.Driver = (*Backend)(nil)

// makes says which object a tool makes a record of.
var makes = map[string]string{
	crm.CreateCustomerTool: "Contact", crm.LogInteractionTool: "Task", crm.CreateTaskTool: "Task", crm.CreateTicketTool: "Case", crm.CreateDealTool: "Opportunity",
}

// HonoursKeys reports whether what a tool makes keeps the key of its call.
func (b *Backend) HonoursKeys(tool string) bool { return b.keys[makes[tool]] != "" }

// keyed reports whether what the call under way makes keeps its key.
func (b *Backend) keyed(ctx context.Context, tool string) bool {
	return b.HonoursKeys(tool) && tools.Key(ctx) != ""
}

// longestKey is how long a key may be that is kept as it is: the field takes 255 characters,
// with the name of the tool.
const longestKey = 200

// storedKey is the key of a call as a record keeps it, under the name of its tool. One with
// characters that mean something in an address, or that the field would not tell apart (it
// may take capitals for small letters, and trims blanks), is hashed.
func storedKey(tool, key string) string {
	plain := strings.IndexFunc(key, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '_' && r != '-'
	}) < 0
	if !plain || len(key) > longestKey {
		sum := sha256.Sum256([]byte(key))
		key = "sha256-" + hex.EncodeToString(sum[:])
	}
	return tool + ":" + key
}

// before gives what the call under way has made before, nil if it has made nothing. A key
// under which another tool made something is a conflict.
func (b *Backend) before(ctx context.Context, tool string, fields []string) (record, error) {
	if !b.keyed(ctx, tool) {
		return nil, nil
	}
	var objects, queries []string
	for _, object := range KeyedObjects {
		field := b.keys[object]
		if field == "" {
			continue
		}
		var keys []string
		for maker, made := range makes {
			if made == object {
				keys = append(keys, storedKey(maker, tools.Key(ctx)))
			}
		}
		slices.Sort(keys)
		shown := []string{"Id", field}
		if object == makes[tool] {
			shown = selecting(append(slices.Clone(fields), field)...)
		}
		objects, queries = append(objects, object), append(queries, one(object, shown, oneOf(field, keys))+" LIMIT 5")
	}
	found, err := b.ask(ctx, queries...)
	if err != nil {
		return nil, err
	}
	other := ""
	for i, object := range objects {
		for _, r := range found[i] {
			if strings.EqualFold(r.text(b.keys[object]), storedKey(tool, tools.Key(ctx))) {
				return r, nil
			}
			other = r.text("Id")
		}
	}
	if other != "" {
		return nil, tools.Errorf(tools.Conflict, "the idempotency key was used for another call, which made %s; this one was not made. Make it under a key of its own.", other)
	}
	return nil, nil
}
