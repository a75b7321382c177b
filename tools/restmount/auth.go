package restmount

import (
	"context"
	"net/http"
	"time"
)

// authorizer puts credentials on a request.
type authorizer interface {
	// sign signs a request, and gives a word for what it signed with.
	sign(ctx context.Context, r *http.Request) (with string, err error)
	// renew reports whether another attempt would be signed with something else than with,
	// which the API refused.
	renew(with string) bool
}

func newAuthorizer(s Auth, client *http.Client, clean cleaner, now func() time.Time) authorizer {
	if s.OAuth != nil {
		return newTokens(*s.OAuth, client, clean, now)
	}
	return static{s}
}

// static are credentials that stay as they are.
type static struct{ Auth }

func (a static) sign(_ context.Context, r *http.Request) (string, error) {
	switch {
	case a.Bearer != "":
		r.Header.Set("Authorization", "Bearer "+a.Bearer)
	case a.Basic != nil:
		r.SetBasicAuth(a.Basic.User, a.Basic.Password)
	case a.APIKey != nil:
		a.APIKey.put(r)
	}
	return "", nil
}

func (a static) renew(string) bool { return false }

func (k *APIKey) put(r *http.Request) {
	switch k.In {
	case inHeader:
		r.Header.Set(k.Name, k.Value)
	case inQuery:
		own := escape(k.Name, "") + "=" + escape(k.Value, "")
		if r.URL.RawQuery != "" {
			own = r.URL.RawQuery + "&" + own
		}
		r.URL.RawQuery = own
	case inCookie:
		own := k.Name + "=" + escape(k.Value, "")
		if had := r.Header.Get("Cookie"); had != "" {
			own = had + "; " + own
		}
		r.Header.Set("Cookie", own)
	}
}
