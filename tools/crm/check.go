package crm

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"drawbridge/tools"
)

// Bounds, in characters, of the texts in requests. The schema tags repeat them for
// the model, and the built-in backend's tables as their last word.
const (
	maxRef   = 254   // a reference; an email address is the longest one
	maxLine  = 200   // names, subjects, titles, search texts
	maxShort = 1000  // reasons, outcomes, notes about a customer
	maxBody  = 20000 // the text of a ticket or an interaction
)

// findings gathers what is wrong with a request, all of it, so that the model
// can correct everything in one more call.
type findings struct{ list []string }

func (f *findings) add(format string, args ...any) {
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

// err is the Invalid error of everything found, nil if nothing was.
func (f *findings) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return tools.Errorf(tools.Invalid, "%s", strings.Join(f.list, "; "))
}

// text checks a length in characters, as JSON Schema counts it, and refuses NUL:
// SQLite takes it for the end of a text here and there, PostgreSQL not at all.
func (f *findings) text(field, value string, shortest, longest int) {
	if strings.ContainsRune(value, 0) {
		f.add("%s: must not contain the character U+0000", field)
	}
	switch n := utf8.RuneCountInString(value); {
	case n == 0 && shortest > 0:
		f.add("%s: must not be empty", field)
	case n > longest:
		f.add("%s: has %d characters, at most %d are allowed", field, n, longest)
	}
}

// email checks the form of an address; an absent one passes.
func (f *findings) email(field, value string) {
	if value == "" {
		return
	}
	if parsed, err := mail.ParseAddress(value); err != nil || parsed.Address != value {
		f.add("%s: %q is not an email address like ada@example.com", field, value)
	}
}

// amount checks an amount of money in minor units. The upper bound is the
// largest whole number that every JSON reader keeps exactly (RFC 8259, section 6).
func (f *findings) amount(minor int64) {
	if minor < 0 || minor > 1<<53-1 {
		f.add("amount_minor: %d is not between 0 and 9007199254740991", minor)
	}
}

func (f *findings) currency(code string) {
	upper := func(r rune) bool { return r >= 'A' && r <= 'Z' }
	if len(code) != 3 || strings.TrimFunc(code, upper) != "" {
		f.add("currency: %q is not an ISO 4217 code of three capital letters, like EUR", code)
	}
}

// window checks that a period does not end before it begins.
func (f *findings) window(since, until time.Time) {
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		f.add("until: %s lies before since", until.Format(time.RFC3339))
	}
}

// oneOf checks an enumeration.
func oneOf[T ~string](f *findings, field string, value T, allowed []T) {
	if !slices.Contains(allowed, value) {
		f.add("%s: %q is none of %q", field, value, allowed)
	}
}

// optional checks an enumeration whose value may be absent.
func optional[T ~string](f *findings, field string, value T, allowed []T) {
	if value != "" {
		oneOf(f, field, value, allowed)
	}
}

// given checks the value behind a pointer of a partial update, if there is one.
func given[T any](value *T, check func(T)) {
	if value != nil {
		check(*value)
	}
}

// oneLine folds white space, line breaks included, into single spaces.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// normalEmail is the form in which addresses are stored and compared: the local
// part is case-sensitive on paper (RFC 5321, section 2.4) and nowhere else.
func normalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// changed applies a normal form to the value of a partial update. The request's
// own value stays as it was.
func changed(value *string, form func(string) string) *string {
	if value == nil {
		return nil
	}
	normal := form(*value)
	return &normal
}

// paged fills in the limit.
func paged(p tools.Page) tools.Page {
	p.Limit = p.Size()
	return p
}
