package bridge

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// returned reads the raw result of a call, and reports whether it is one: a server may
// also ask for something before it gives a result, which a run has no answer to.
func returned(raw json.RawMessage) (result CallResult, ok bool) {
	var on struct {
		ResultType string            `json:"resultType"`
		Content    []json.RawMessage `json:"content"`
		Structured json.RawMessage   `json:"structuredContent"`
		IsError    bool              `json:"isError"`
		Meta       json.RawMessage   `json:"_meta"`
	}
	if json.Unmarshal(raw, &on) != nil || on.ResultType != "" && on.ResultType != "complete" {
		return CallResult{}, false
	}
	if on.Content == nil && on.Structured == nil {
		return CallResult{}, false
	}
	said, parts := read(on.Content)
	out := CallResult{Content: string(on.Structured), IsError: on.IsError, Parts: parts}
	if out.Content == "" || out.Content == "null" || out.IsError && said != "" {
		out.Content = said
	}
	if out.IsError {
		out.marked(on.Meta)
	}
	return out, true
}

// marked reads what a Drawbridge server says of an error: that nobody knows whether the
// call took effect, that people have to agree to it first, that it is no answer, or none
// about an earlier call.
func (r *CallResult) marked(meta json.RawMessage) {
	var fields map[string]json.RawMessage
	var failure struct {
		Code         string `json:"code"`
		Retryable    bool   `json:"retryable"`
		Inconclusive bool   `json:"inconclusive"`
	}
	if json.Unmarshal(meta, &fields) != nil || json.Unmarshal(fields[metaError], &failure) != nil {
		return
	}
	r.Inconclusive, r.Passing = failure.Inconclusive, failure.Retryable
	switch failure.Code {
	case string(OutcomeUnknown):
		r.Unknown = true
	case "internal", "unavailable":
		r.Fault = true
	case "approval_required":
		var a Approval
		if json.Unmarshal(fields[metaApproval], &a) == nil && a.ID != "" {
			r.Approval = &Approval{ID: a.ID, Expires: a.Expires, Why: r.Content}
		}
	}
}

// read gives the text of a result's blocks and the images and documents among them.
// What is not text is named, so that a model knows there was something.
func read(content []json.RawMessage) (text string, parts []json.RawMessage) {
	words := make([]string, len(content))
	for i, raw := range content {
		var b block
		if json.Unmarshal(raw, &b) != nil {
			words[i] = "[something that cannot be read]"
			continue
		}
		if len(parts) < mostParts {
			if part, ok := b.image(); ok {
				parts = append(parts, part)
				words[i] = fmt.Sprintf("[image %d]", len(parts))
				continue
			}
			if part, ok := b.document(); ok {
				parts = append(parts, part)
				words[i] = fmt.Sprintf("[file %d, application/pdf: %s]", len(parts), b.Resource.URI)
				continue
			}
		}
		words[i] = b.inWords()
	}
	return strings.Join(words, "\n"), parts
}

// block is one block of a result (MCP 2025-11-25, schema, ContentBlock).
type block struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Data     string `json:"data"`
	MIMEType string `json:"mimeType"`
	URI      string `json:"uri"`
	Resource struct {
		URI      string  `json:"uri"`
		Text     *string `json:"text"`
		Blob     string  `json:"blob"`
		MIMEType string  `json:"mimeType"`
	} `json:"resource"`
}

// image is the block as a content part of the chat API, if it is an image that a
// model can be shown. An embedded file may be one.
func (b *block) image() (part json.RawMessage, ok bool) {
	switch {
	case b.Type == "image":
		return image(b.Data)
	case b.Type == "resource" && b.Resource.Text == nil && strings.HasPrefix(b.Resource.MIMEType, "image/"):
		return image(b.Resource.Blob)
	}
	return nil, false
}

// document is the block as a content part, if it is a file that a model can be sent.
// Other files are left at their names.
func (b *block) document() (part json.RawMessage, ok bool) {
	if b.Type != "resource" || b.Resource.Text != nil {
		return nil, false
	}
	return document(b.Resource.URI, b.Resource.Blob)
}

// inWords is the block for somebody who reads text only.
func (b *block) inWords() string {
	switch b.Type {
	case "text":
		return b.Text
	case "image":
		return fmt.Sprintf("[an image, %s, that cannot be shown here]", b.MIMEType)
	case "audio":
		return fmt.Sprintf("[a recording, %s, that cannot be shown here]", b.MIMEType)
	case "resource_link":
		return fmt.Sprintf("[a link to %s]", b.URI)
	case "resource":
		if b.Resource.Text != nil {
			return *b.Resource.Text
		}
		if text, ok := b.textInBlob(); ok {
			return text
		}
		return fmt.Sprintf("[a file, %s, that cannot be shown here: %s]", cmp.Or(b.Resource.MIMEType, "of no known type"), b.Resource.URI)
	}
	return fmt.Sprintf("[content of the type %q, which cannot be shown here]", b.Type)
}

// textInBlob is the text of an embedded file that is text by its bytes, and was sent as
// if it were not: many servers make no difference.
func (b *block) textInBlob() (string, bool) {
	decoded, err := base64.StdEncoding.DecodeString(b.Resource.Blob)
	if err != nil || len(decoded) == 0 || !utf8.Valid(decoded) || bytes.ContainsFunc(decoded, unprintable) {
		return "", false
	}
	return string(decoded), true
}

// unprintable are control characters that texts do not have.
func unprintable(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n\f", r) }
