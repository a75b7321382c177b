package apihttp

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"drawbridge/server/apierror"
	"drawbridge/server/auth"
)

// Caller is who asks. hosts are the names by which a proxy reaches us, besides our own
// address. Nobody, and a web page that a caller without a key happens to have open, is
// an error.
func Caller(r *http.Request, hosts []string) (auth.Principal, *apierror.Error) {
	p, known := auth.From(r.Context())
	if !known {
		return p, &apierror.Error{Status: http.StatusUnauthorized, Type: apierror.Authentication, Code: "invalid_api_key", Message: auth.ErrNoKey.Error()}
	}
	if p.Kind == auth.Local {
		if why := auth.FromPage(r, hosts); why != "" {
			return p, &apierror.Error{Status: http.StatusForbidden, Type: apierror.Permission, Code: "forbidden", Message: why}
		}
	}
	return p, nil
}

// Enter counts the request against its caller's limits, and says in the answer's
// headers what is left of them. leave is to be called when the request is over.
func Enter(ctx context.Context, w http.ResponseWriter, limits *auth.Limits, p auth.Principal) (leave func(), fault *apierror.Error) {
	standing, leave, err := limits.Enter(ctx, p)
	if standing.Limit > 0 {
		w.Header().Set("X-Ratelimit-Limit-Requests", strconv.Itoa(standing.Limit))
		w.Header().Set("X-Ratelimit-Remaining-Requests", strconv.Itoa(standing.Remaining))
		w.Header().Set("X-Ratelimit-Reset-Requests", standing.Reset.Round(time.Millisecond).String())
	}
	var limited *auth.LimitedError
	if errors.As(err, &limited) {
		return nil, &apierror.Error{Status: http.StatusTooManyRequests, Type: apierror.TooManyRequests, Code: "rate_limit_exceeded",
			Message: limited.Message, RetryAfter: limited.RetryAfter}
	}
	if err != nil { // whoever counts for all nodes is away
		return nil, &apierror.Error{Status: http.StatusServiceUnavailable, Type: apierror.Server, Code: "unavailable",
			Message: "the store is away for the moment: try again", RetryAfter: time.Second}
	}
	return leave, nil
}
