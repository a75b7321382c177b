package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"drawbridge/tools"
)

// change is a write: parts that take effect together or not at all, and the row that shows
// what came of it.
type change struct {
	parts []part
	// object and fields are of the row; id is its id, or what the part named by makes it.
	object string
	fields []string
	id     string
	by     string
	// again: made again under its key, it takes effect once.
	again bool
}

// update changes a record, and gives it as it is then.
func (b *Backend) update(ctx context.Context, object, id string, before []part, body map[string]any, fields []string) (record, error) {
	parts := append(before, part{id: "changed", method: http.MethodPatch, path: sobject(object, id), body: body})
	return b.make(ctx, change{parts: parts, object: object, fields: fields, id: id})
}

// create makes the record that a tool makes, once for a key where its object has a field for
// one, and gives it.
func (b *Backend) create(ctx context.Context, tool string, before []part, body map[string]any, fields []string) (record, error) {
	object := makes[tool]
	made := part{id: "new", method: http.MethodPost, path: data + "/sobjects/" + object, body: body}
	if b.keyed(ctx, tool) {
		made.method, made.path = http.MethodPatch, sobject(object, b.keys[object])+"/"+url.PathEscape(storedKey(tool, tools.Key(ctx)))
	}
	return b.make(ctx, change{parts: append(before, made), object: object, fields: fields, by: "new", again: b.keyed(ctx, tool)})
}

// make makes a change. While somebody else's holds one of the records it has no effect, and
// is made again a moment later.
func (b *Backend) make(ctx context.Context, c change) (record, error) {
	for try := 0; ; try++ {
		made, err := b.makeOnce(ctx, c)
		var refused *refusal
		if errors.As(err, &refused) && refused.code() == "UNABLE_TO_LOCK_ROW" && try < len(inTheWay) && b.sleep(ctx, inTheWay[try]) == nil {
			continue
		}
		if err != nil {
			return nil, b.writeError(err, c.again)
		}
		return made, nil
	}
}

// makeOnce makes a change in one request and one transaction, with the row that shows it.
func (b *Backend) makeOnce(ctx context.Context, c change) (record, error) {
	if c.looksLikeReferences() {
		return b.makeApart(ctx, c)
	}
	shown := queryPath(one(c.object, c.fields, idIs(c.id)))
	if c.by != "" {
		// What stands for the id is no part of the text that is encoded.
		shown = queryPath(one(c.object, c.fields, "Id = '")) + string(idOf(c.by)) + "%27"
	}
	answers, err := b.compose(ctx, true, append(c.parts[:len(c.parts):len(c.parts)], part{id: "made", method: http.MethodGet, path: shown}))
	if err != nil {
		return nil, err
	}
	var halted error
	for _, a := range answers {
		if a.Status < 400 {
			continue
		}
		why := b.said(min(a.Status, 499), nil, a.Body) // all was rolled back, whatever the status of this part
		var refused *refusal
		if errors.As(why, &refused) && refused.code() != "PROCESSING_HALTED" {
			return nil, why
		}
		halted = why
	}
	if halted != nil {
		return nil, halted
	}
	return onlyRow(answers[len(answers)-1].Body)
}

func onlyRow(raw json.RawMessage) (record, error) {
	var page rows
	if err := decode(raw, &page); err != nil {
		return nil, err
	}
	if len(page.Records) != 1 {
		return nil, fmt.Errorf("%w: %d rows are what was made", errUnread, len(page.Records))
	}
	return page.Records[0], nil
}

// looksLikeReferences reports whether a text that somebody wrote holds what a composite
// request would take for a reference to one of its parts. There is no way to escape it.
func (c change) looksLikeReferences() bool {
	for _, p := range c.parts {
		for _, value := range p.body {
			if text, ok := value.(string); ok && strings.Contains(text, "@{") {
				return true
			}
		}
	}
	return false
}

// makeApart makes a change of one part by a request of its own, and then looks.
func (b *Backend) makeApart(ctx context.Context, c change) (record, error) {
	if len(c.parts) != 1 {
		return nil, tools.Errorf(tools.Invalid, "company: it is new to Salesforce, which cannot make it together with a record whose text holds %q; leave company out, and set it with another call", "@{")
	}
	p := c.parts[0]
	body, err := json.Marshal(p.body)
	if err != nil {
		return nil, fmt.Errorf("salesforce: writing a request: %w", err)
	}
	got, err := b.send(ctx, p.method, p.path, body)
	if err != nil {
		return nil, err
	}
	id := c.id
	if got.status >= 300 {
		return nil, b.said(got.status, got.header, got.body)
	}
	if c.by != "" {
		var made struct {
			ID string `json:"id"`
		}
		if err := decode(got.body, &made); err != nil {
			return nil, err
		}
		if id = made.ID; !isID(id, "") {
			return nil, fmt.Errorf("%w: what was made has no id", errUnread)
		}
	}
	found, err := b.query(ctx, one(c.object, c.fields, idIs(id)))
	if err != nil || len(found) != 1 {
		done := tools.Errorf(tools.OutcomeUnknown, "the change was made, on %s, and cannot be shown: Salesforce does not answer any more. Look at it before doing it again.", id)
		done.Retryable = c.again
		return nil, done
	}
	return found[0], nil
}
