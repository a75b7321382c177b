package hubspot

import (
	"cmp"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// holds reports whether all words occur in the texts, each in one of them; case does not
// matter. It is the family's way of searching, which HubSpot's is not.
func holds(query string, texts ...string) bool {
	for _, word := range strings.Fields(strings.ToLower(query)) {
		if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), word) }) {
			return false
		}
	}
	return true
}

var run = regexp.MustCompile(`[a-z0-9]+`)

// token is what HubSpot is asked to look for: the longest run of plain letters and digits
// in a query, "" if it has none. How HubSpot takes other characters apart is not
// documented, so nothing is asked about them; holds decides.
func token(query string) string {
	runs := run.FindAllString(strings.ToLower(query), -1)
	if len(runs) == 0 {
		return ""
	}
	return slices.MaxFunc(runs, func(a, b string) int { return cmp.Compare(weight(a), weight(b)) })
}

// weight prefers letters to mere digits, and long runs to short ones.
func weight(run string) int {
	if strings.Trim(run, "0123456789") == "" {
		return len(run)
	}
	return len(run) + 1000
}

// contains is a condition for each of the properties, one of which has to hold the token.
func contains(token string, properties ...string) [][]filter {
	if token == "" {
		return nil
	}
	var groups [][]filter
	for _, property := range properties {
		groups = append(groups, []filter{{Property: property, Operator: "CONTAINS_TOKEN", Value: "*" + token + "*"}})
	}
	return groups
}

// HubSpot keeps notes and the bodies of tasks as HTML, which people see rendered.

// markup writes a text as HTML.
func markup(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>")
}

var (
	lineEnd = regexp.MustCompile(`(?i)<br\s*/?>|</(p|div|li|h[1-6]|tr|blockquote)\s*>`)
	hidden  = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)\s*>|<!--.*?-->`)
	tag     = regexp.MustCompile(`(?s)<[a-zA-Z/!][^<>]*>`)
)

// plain reads HTML as the text that it shows.
func plain(markup string) string {
	text := hidden.ReplaceAllString(markup, "")
	text = lineEnd.ReplaceAllString(text, "\n")
	return strings.TrimSpace(html.UnescapeString(tag.ReplaceAllString(text, "")))
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-3]) + "..."
}
