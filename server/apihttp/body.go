package apihttp

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"drawbridge/server/apierror"
)

// IdempotencyKey is the header by which a request that is sent again is known.
const IdempotencyKey = "Idempotency-Key"

const longestKey = 255

// KeyOf reads the request's idempotency key, "" if it has none.
func KeyOf(h http.Header) (string, *apierror.Error) {
	keys := h.Values(IdempotencyKey)
	if len(keys) == 0 {
		return "", nil
	}
	strange := func(r rune) bool { return r <= ' ' || r > '~' }
	if key := keys[0]; len(keys) > 1 || key == "" || len(key) > longestKey || strings.ContainsFunc(key, strange) {
		return "", apierror.Invalid(IdempotencyKey, "invalid_value", "%s has to be one value of 1 to %d visible ASCII characters", IdempotencyKey, longestKey)
	}
	return keys[0], nil
}

// KeyReused is a key that was used for another request.
func KeyReused() *apierror.Error {
	return &apierror.Error{Status: http.StatusUnprocessableEntity, Type: apierror.InvalidRequest, Param: IdempotencyKey, Code: "idempotency_key_reused",
		Message: "the " + IdempotencyKey + " was used for another request; use a new one for each request"}
}

// Body reads a body of at most so many bytes that says it is JSON.
func Body(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *apierror.Error) {
	// A page of a strange origin can have a browser send anything but JSON unasked.
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, unsupportedMedia("the request has to say that it is JSON: set Content-Type to application/json")
	}
	if r.Header.Get("Content-Encoding") != "" {
		return nil, unsupportedMedia("the request's body is encoded; send it as it is")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		e := apierror.Invalid("", "request_too_large", "the request has more than %d bytes", limit)
		e.Status = http.StatusRequestEntityTooLarge
		return nil, e
	case err != nil:
		return nil, apierror.Invalid("", "invalid_body", "the request's body did not come whole or in time")
	}
	return body, nil
}

func unsupportedMedia(message string) *apierror.Error {
	e := apierror.Invalid("", "unsupported_media_type", "%s", message)
	e.Status = http.StatusUnsupportedMediaType
	return e
}
