package selection

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FindToolsName is the function by which a model searches what it was not offered.
const FindToolsName = "find_tools"

// Function is a definition that is strict by OpenAI's rules.
type Function struct {
	Name        string
	Description string
	Parameters  json.RawMessage

	tokens int
}

const findParameters = `{"type":"object","properties":{"query":{"type":"string","description":"What the tool should do and what it works on, in a few English words, such as: refund payment. The name of a system narrows it down."}},"required":["query"],"additionalProperties":false}`

// envelope is more than the tokens of the JSON around a definition's three parts.
const envelope = 24

// maxSystems is how many bytes of names of systems find_tools lists.
const maxSystems = 600

// FindTools is the definition of find_tools: the same bytes as long as the index is the
// same. It names the systems, so that a model knows what is worth a search.
func (x *Index) FindTools() Function { return x.find() }

func (x *Index) findTools() Function {
	description := fmt.Sprintf("Searches all %d tools, most of which are not shown here. Call it when no tool you can see does what is needed, "+
		"before saying that something cannot be done. What it finds can be called from your next turn on.", len(x.entries))
	if systems := x.systems(); systems != "" {
		description += " There are tools for: " + systems + "."
	}
	f := Function{Name: FindToolsName, Description: description, Parameters: json.RawMessage(findParameters)}
	f.tokens = Tokens(f.Name) + Tokens(f.Description) + Tokens(string(f.Parameters)) + envelope
	return f
}

// systems lists the systems by name, as many as there is room for.
func (x *Index) systems() string {
	var names []string
	for i := range x.entries {
		if system := oneLine(x.entries[i].system()); system != "" {
			names = append(names, system)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	list := strings.Join(names, ", ")
	for n := len(names); len(list) > maxSystems; {
		n--
		list = fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
	}
	return list
}

// Hit is an entry that matches a search.
type Hit struct {
	Name    string  // of the function
	Summary string  // its title and the beginning of its description, on one line
	Score   float64 // the higher the better; only comparable within one search
}

// Search is the entries that match query best, at most most of them, best first.
func (x *Index) Search(query string, most int) []Hit {
	p := x.words()
	ranked := p.rank(p.concepts([]string{query}))
	hits := make([]Hit, min(len(ranked), max(most, 0)))
	for i := range hits {
		e := &x.entries[ranked[i].entry]
		hits[i] = Hit{Name: e.Name, Summary: e.summary(), Score: float64(ranked[i].score)}
	}
	return hits
}

// Found is the result of find_tools for the model: what hits there are and when they
// can be called, or what to try instead.
func (x *Index) Found(query string, hits []Hit) string {
	if len(hits) > 0 {
		var b strings.Builder
		b.WriteString("These tools match best. They can be called from your next turn on:\n")
		for _, hit := range hits {
			fmt.Fprintf(&b, "- %s", hit.Name)
			if hit.Summary != "" {
				b.WriteString(": " + hit.Summary)
			}
			b.WriteString("\n")
		}
		return b.String()
	}
	text := fmt.Sprintf("No tool matches %q. Try other words, in English: what should be done and to what, such as: refund payment.", short(query, maxQuoted))
	if systems := x.systems(); systems != "" {
		text += " Or the name of a system: " + systems + "."
	}
	return text
}

const (
	maxSummary = 160 // characters
	maxQuoted  = 80  // characters of a query
)

// summary is what e is for, on one line.
func (e *Entry) summary() string {
	title, sentence := oneLine(e.Title), firstSentence(oneLine(e.Description))
	switch {
	case sentence == "":
		return short(title, maxSummary)
	case title == "" || strings.EqualFold(title, e.name()) || strings.HasPrefix(sentence, title):
		return short(sentence, maxSummary)
	}
	return short(title+". "+sentence, maxSummary)
}

// oneLine is the beginning of text with every space, line break and control character a single space.
func oneLine(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), 8*maxSummary)], "")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
}

// firstSentence ends with the first full stop that a space follows, or the first Chinese one.
func firstSentence(text string) string {
	if before, _, found := strings.Cut(text, "。"); found {
		return before
	}
	before, _, _ := strings.Cut(text, ". ")
	return strings.TrimSuffix(before, ".")
}

// short is text cut to most characters, with a sign that it was.
func short(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
