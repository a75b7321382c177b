package restmount

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

var tag = regexp.MustCompile(`</?[a-zA-Z][^<>]{0,300}>`)

// tidy makes readable text of a document's: without HTML tags and control characters, in
// single spaces, and of at most limit bytes.
func tidy(text string, limit int) string {
	if len(text) > 64<<10 {
		text = text[:64<<10]
	}
	text = html.UnescapeString(tag.ReplaceAllString(text, " "))
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}
