package salesforcefake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

type part struct {
	Method string          `json:"method"`
	URL    string          `json:"url"`
	ID     string          `json:"referenceId"`
	Body   json.RawMessage `json:"body"`
}

type partAnswer struct {
	Body    any            `json:"body"`
	Headers map[string]any `json:"httpHeaders"`
	Status  int            `json:"httpStatusCode"`
	ID      string         `json:"referenceId"`
}

// composite carries out several requests, all or none of them if so asked.
func (o *Org) composite(body []byte) (int, any) {
	var in struct {
		Whole bool   `json:"allOrNone"`
		Parts []part `json:"compositeRequest"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return refused(problem(400, "JSON_PARSER_ERROR", err.Error()))
	}
	queries := 0
	for _, p := range in.Parts {
		if strings.HasPrefix(p.URL, apiPath+"/query") {
			queries++
		}
	}
	if len(in.Parts) == 0 || len(in.Parts) > 25 || queries > 5 {
		return refused(problem(400, "INVALID_INPUT", fmt.Sprintf("%d parts, %d queries: at most 25, of these 5 queries", len(in.Parts), queries)))
	}
	before := o.snapshot()
	answers := []partAnswer{}
	results := map[string]any{}
	failed := -1
	for i, p := range in.Parts {
		status, out := o.part(p, results)
		raw, _ := json.Marshal(out)
		var plain any
		_ = json.Unmarshal(raw, &plain)
		if status < 300 {
			results[p.ID] = plain
		}
		answers = append(answers, partAnswer{out, map[string]any{}, status, p.ID})
		if status >= 300 && in.Whole {
			failed = i
			break
		}
	}
	if failed >= 0 {
		o.restore(before)
		halted := problem(400, "PROCESSING_HALTED", "The transaction was rolled back since another operation in the same transaction failed.")
		for i, p := range in.Parts {
			if i != failed {
				if i >= len(answers) {
					answers = append(answers, partAnswer{ID: p.ID, Headers: map[string]any{}})
				}
				answers[i].Status, answers[i].Body = 400, []*Problem{halted}
			}
		}
	}
	return http.StatusOK, map[string]any{"compositeResponse": answers}
}

var referred = regexp.MustCompile(`@\{([^}]*)\}`)

// part carries out one, with what the ones before it made in place of its references. They
// are found wherever they stand, in what a person wrote as well.
func (o *Org) part(p part, results map[string]any) (int, any) {
	var bad *Problem
	put := func(text string) string {
		return referred.ReplaceAllStringFunc(text, func(ref string) string {
			name, field, _ := strings.Cut(ref[2:len(ref)-1], ".")
			made, _ := results[name].(map[string]any)
			value, ok := made[field].(string)
			if !ok {
				bad = problem(400, "PROCESSING_HALTED_REFERENCE", "Invalid reference specified. No value for "+ref+" found.")
				return ref
			}
			return value
		})
	}
	address := p.URL
	if head, q, isQuery := strings.Cut(p.URL, "?q="); isQuery {
		plain, err := url.QueryUnescape(q)
		if err != nil {
			return refused(problem(400, "INVALID_URL", err.Error()))
		}
		address = head + "?q=" + url.QueryEscape(put(plain))
	} else {
		address = put(address)
	}
	var body []byte
	if p.Body != nil {
		decoder := json.NewDecoder(bytes.NewReader(p.Body))
		decoder.UseNumber()
		var fields map[string]any
		if err := decoder.Decode(&fields); err != nil {
			return refused(problem(400, "JSON_PARSER_ERROR", err.Error()))
		}
		for name, value := range fields {
			if text, ok := value.(string); ok {
				fields[name] = put(text)
			}
		}
		body, _ = json.Marshal(fields)
	}
	if bad != nil {
		return refused(bad)
	}
	return o.one(p.Method, address, body)
}

type snapshot struct {
	tables map[string][]row
	n      int
}

func (o *Org) snapshot() snapshot {
	s := snapshot{map[string][]row{}, o.n}
	for object, rows := range o.tables {
		for _, r := range rows {
			kept := row{}
			for name, value := range r {
				kept[name] = value
			}
			s.tables[object] = append(s.tables[object], kept)
		}
	}
	return s
}

func (o *Org) restore(s snapshot) {
	o.tables, o.byID = s.tables, map[string]row{}
	for _, rows := range s.tables {
		for _, r := range rows {
			o.byID[r["Id"].(string)] = r
		}
	}
}
