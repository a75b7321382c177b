package chatapi

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"drawbridge/bridge/openai"
)

// content takes a message's content: a string, or parts of the given kinds. Parts
// that are all text become one text, a line each, because few servers take lists of
// them from anybody but a user.
func (o *object) content(m *openai.Message, kinds ...string) {
	if raw := o.members["content"]; len(raw) > 0 && raw[0] == '"' {
		m.Content = o.text("content", math.MaxInt)
		return
	}
	var texts []string
	onlyText := true
	items := o.list("content", maxParts)
	for i, raw := range items {
		at := fmt.Sprintf("%scontent[%d]", o.at, i)
		inner := o.read(at, raw)
		inner.need("type")
		kind := inner.text("type", maxName)
		switch {
		case o.err != nil:
			return
		case !slices.Contains(kinds, kind):
			o.wrong(at+".type", "invalid_value", "%s.type is %q; in a message of the role %s it may be one of %q", at, shown(kind), m.Role, kinds)
			return
		}
		switch text := inner.part(kind); kind {
		case "text":
			texts = append(texts, text)
		case "refusal":
			m.Refusal = text
		default:
			onlyText = false
		}
		if m.Role != openai.Assistant {
			inner.done()
		}
	}
	if onlyText {
		m.Content = strings.Join(texts, "\n")
		return
	}
	for _, raw := range items {
		m.Parts = append(m.Parts, compacted(raw))
	}
}

// part takes what belongs to a part of its kind, and gives its text if it has one.
func (o *object) part(kind string) string {
	o.need(kind)
	switch kind {
	case "text", "refusal":
		return o.text(kind, math.MaxInt)
	case "image_url":
		image, _ := o.inside(kind)
		image.need("url")
		image.address()
		image.text("detail", maxName)
		image.done()
	case "input_audio":
		audio, _ := o.inside(kind)
		audio.need("data")
		audio.need("format")
		audio.text("data", math.MaxInt)
		audio.text("format", maxName)
		audio.done()
	case "file":
		file, _ := o.inside(kind)
		// An id would name a file of the account that the model is paid from, whoever's it is.
		file.refuse("send the file itself, as file_data", "file_id")
		file.need("file_data")
		file.text("file_data", math.MaxInt)
		file.text("filename", maxWord)
		file.done()
	}
	return ""
}

// address takes an image's address. The model's provider fetches it, not we; only
// what such a provider reads is let through.
func (o *object) address() {
	url := o.text("url", math.MaxInt)
	for _, scheme := range []string{"https://", "http://", "data:"} {
		if strings.HasPrefix(strings.ToLower(url[:min(len(url), len(scheme))]), scheme) {
			return
		}
	}
	o.wrong(o.at+"url", "invalid_value", "%surl is no address of an image: it has to begin with https:// or data:", o.at)
}

func sorted(items []string) []string {
	slices.Sort(items)
	return items
}
