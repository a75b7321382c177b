package restmount

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// answer makes a CallToolResult of what came back: its text, and in blocks of their own what
// is to be said about it. There is no structured content: what a model reads would then
// lack what is said about it.
func (a *API) answer(o *operation, e *reply, arguments json.RawMessage) (json.RawMessage, error) {
	text, notes := a.render(o, e, arguments)
	blocks := []any{object{"type": "text", "text": a.clean.secretless(text)}}
	for _, note := range notes {
		blocks = append(blocks, object{"type": "text", "text": a.clean.secretless(note)})
	}
	return json.Marshal(object{"content": blocks})
}

func (a *API) render(o *operation, e *reply, arguments json.RawMessage) (text string, notes []string) {
	kind := e.header.Get("Content-Type")
	switch {
	case e.status == http.StatusNotModified:
		return "Not modified (status 304): what you have is still so.", nil
	case o.method == http.MethodHead:
		return headers(e), nil
	case len(bytes.TrimSpace(e.body)) == 0:
		return fmt.Sprintf("Done (status %d); the answer is empty.", e.status), nil
	case e.more:
		return a.cutText(o, e)
	}
	if value, ok := decode(e.body); ok && (isJSON(kind) || !known(kind) || strings.HasPrefix(kind, "text/")) {
		return a.renderJSON(o, e, value, arguments)
	}
	if !textual(kind) && known(kind) || !utf8.Valid(e.body) {
		return fmt.Sprintf("Done (status %d); the answer is binary (%s, %d bytes), which cannot be shown here.", e.status, tidy(kind, 100), len(e.body)), nil
	}
	text = string(e.body)
	if int64(len(text)) > a.settings.MaxResult {
		return a.cutText(o, e)
	}
	return text, nil
}

func (a *API) renderJSON(o *operation, e *reply, value any, arguments json.RawMessage) (string, []string) {
	var notes []string
	whole := value
	if len(o.fields) > 0 {
		value = trim(value, o.fields)
	}
	text, note := a.fit(value)
	if note != "" {
		notes = append(notes, note)
	}
	if next := o.next(e.header, whole, arguments); next != "" {
		notes = append(notes, next)
	}
	return text, notes
}

// cutText is the beginning of an answer that is too much.
func (a *API) cutText(o *operation, e *reply) (string, []string) {
	size := fmt.Sprintf("%d bytes", len(e.body))
	if e.more {
		size = "more than " + size
	}
	kind := e.header.Get("Content-Type")
	if !utf8.Valid(e.body[:max(0, len(e.body)-utf8.UTFMax)]) || known(kind) && !textual(kind) && !isJSON(kind) {
		return fmt.Sprintf("Done (status %d); the answer is binary (%s, %s), which cannot be shown here.", e.status, tidy(kind, 100), size), nil
	}
	text := strings.ToValidUTF8(string(e.body[:min(int64(len(e.body)), a.settings.MaxResult)]), "")
	return text, []string{fmt.Sprintf("The answer has %s; this is its beginning, %d bytes of it. %s", size, len(text), o.askForLess())}
}

func (o *operation) askForLess() string {
	if o.writes() {
		return "The call itself was done (do not repeat it for the sake of its answer)."
	}
	return "Ask for less: by a narrower question, or a smaller page."
}

// headers are what HEAD is for.
func headers(e *reply) string {
	lines := []string{fmt.Sprintf("status %d", e.status)}
	for _, name := range []string{"Content-Type", "Content-Length", "Last-Modified", "Etag"} {
		if value := e.header.Get(name); value != "" {
			lines = append(lines, name+": "+tidy(value, 200))
		}
	}
	return strings.Join(lines, "\n")
}

// decode reads JSON, keeping the digits of numbers.
func decode(raw []byte) (value any, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return nil, false
	}
	_, err := decoder.Token()
	return value, err != nil && err.Error() == "EOF"
}

func known(kind string) bool { return kind != "" }

// textual: what people can read.
func textual(kind string) bool {
	base, _, err := mime.ParseMediaType(kind)
	return err == nil && (strings.HasPrefix(base, "text/") || isJSON(kind) || strings.HasSuffix(base, "+xml") ||
		base == "application/xml" || base == "application/yaml" || base == "application/x-yaml" || base == "application/x-www-form-urlencoded" ||
		base == "application/javascript" || base == "application/x-ndjson" || base == "application/jsonl" || base == "application/graphql")
}
