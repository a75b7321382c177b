package hubspot

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"drawbridge/tools"
)

// owners are the account's users, to whom records are assigned. HubSpot knows them by
// number; the family by their address, or by the name of one who has none (a queue).
type owners struct {
	turn  chan struct{} // who has it reads them, or looks
	known []owner
	read  time.Time
}

type owner struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	First string `json:"firstName"`
	Last  string `json:"lastName"`
}

func (o owner) name() string { return strings.TrimSpace(o.First + " " + o.Last) }

// shown is what the family calls an owner.
func (o owner) shown() string {
	if o.Email != "" {
		return o.Email
	}
	return o.name()
}

const (
	ownersFresh = 10 * time.Minute // how long what was read holds
	ownersAgain = time.Minute      // and how long where somebody is missing
	ownerPages  = 50               // of a hundred each
)

// who lists the owners, read not longer ago than that.
func (b *Backend) who(ctx context.Context, within time.Duration) ([]owner, error) {
	select {
	case b.owners.turn <- struct{}{}:
		defer func() { <-b.owners.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !b.owners.read.IsZero() && b.now().Sub(b.owners.read) < within {
		return b.owners.known, nil
	}
	var all []owner
	query := url.Values{"limit": {"100"}}
	for range ownerPages {
		var page struct {
			Results []owner `json:"results"`
			Paging  paging  `json:"paging"`
		}
		if err := b.read(ctx, request{method: http.MethodGet, path: ownersPath(), query: query}, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Results...)
		if page.Paging.Next.After == "" {
			break
		}
		query.Set("after", page.Paging.Next.After)
	}
	b.owners.known, b.owners.read = all, b.now()
	return all, nil
}

// find looks for an owner among those that are known, and once more among those that there
// are now.
func (b *Backend) find(ctx context.Context, is func(owner) bool) (owner, bool, error) {
	for _, within := range []time.Duration{ownersFresh, ownersAgain} {
		all, err := b.who(ctx, within)
		if err != nil {
			return owner{}, false, err
		}
		for _, o := range all {
			if is(o) {
				return o, true, nil
			}
		}
	}
	return owner{}, false, nil
}

// ownerNumber is the number of whom the family names; "" if nobody is called that.
func (b *Backend) ownerNumber(ctx context.Context, called string) (string, error) {
	o, _, err := b.find(ctx, func(o owner) bool { return strings.EqualFold(o.shown(), called) })
	if err != nil || o.ID != "" {
		return o.ID, err
	}
	o, _, err = b.find(ctx, func(o owner) bool { return strings.EqualFold(o.name(), called) })
	return o.ID, err
}

// assigned is the number to set for whom a call names. An empty text is nobody.
func (b *Backend) assigned(ctx context.Context, field, called string) (string, error) {
	if called == "" {
		return "", nil
	}
	id, err := b.ownerNumber(ctx, called)
	if err == nil && id == "" {
		err = tools.Errorf(tools.Invalid, "%s: HubSpot has no user called %q, and assigns to users only. Give the email address of one, or leave it out.", field, called)
	}
	return id, err
}

// ownersOf names the owners of records.
func (b *Backend) ownersOf(ctx context.Context, rows []row) (map[string]string, error) {
	names := map[string]string{}
	for _, r := range rows {
		id := r.is(ownerProperty)
		if id == "" || names[id] != "" {
			continue
		}
		o, known, err := b.find(ctx, func(o owner) bool { return o.ID == id })
		if err != nil {
			return nil, err
		}
		if names[id] = o.shown(); !known || names[id] == "" {
			names[id] = unnamed(id)
		}
	}
	return names, nil
}

// ownerOf names the owner of a record that was just written. That it cannot be looked up
// must not look as if the write had failed.
func (b *Backend) ownerOf(ctx context.Context, r row) string {
	id := r.is(ownerProperty)
	if id == "" {
		return ""
	}
	names, err := b.ownersOf(ctx, []row{r})
	if err != nil {
		return unnamed(id)
	}
	return names[id]
}

func unnamed(id string) string { return "HubSpot user " + id }

const ownerProperty = "hubspot_owner_id"
