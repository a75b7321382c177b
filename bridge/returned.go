package bridge

import (
	"encoding/json"
	"fmt"
	"strings"
)

// returned reads the raw result of a call, and reports whether it is one: a server may
// also ask for something before it gives a result, which a run has no answer to.
func returned(raw json.RawMessage) (result CallResult, ok bool) {
	var on struct {
		ResultType string            `json:"resultType"`
		Content    []json.RawMessage `json:"content"`
		Structured json.RawMessage   `json:"structuredContent"`
		IsError    bool              `json:"isError"`
	}
	if json.Unmarshal(raw, &on) != nil || on.ResultType != "" && on.ResultType != "complete" {
		return CallResult{}, false
	}
	if on.Content == nil && on.Structured == nil {
		return CallResult{}, false
	}
	out := CallResult{Content: string(on.Structured), IsError: on.IsError}
	if said := joined(on.Content); out.Content == "" || out.Content == "null" || out.IsError && said != "" {
		out.Content = said
	}
	return out, true
}

// joined is the text of a result. What is not text is named, so that a model
// knows there was something.
func joined(content []json.RawMessage) string {
	parts := make([]string, len(content))
	for i, raw := range content {
		parts[i] = inWords(raw)
	}
	return strings.Join(parts, "\n")
}

// inWords is one block of a result for somebody who reads text only.
func inWords(raw json.RawMessage) string {
	var block struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		MIMEType string `json:"mimeType"`
		URI      string `json:"uri"`
		Resource struct {
			Text *string `json:"text"`
		} `json:"resource"`
	}
	if json.Unmarshal(raw, &block) != nil {
		return "[something that cannot be read]"
	}
	switch block.Type {
	case "text":
		return block.Text
	case "image":
		return fmt.Sprintf("[an image, %s, that cannot be shown here]", block.MIMEType)
	case "audio":
		return fmt.Sprintf("[a recording, %s, that cannot be shown here]", block.MIMEType)
	case "resource_link":
		return fmt.Sprintf("[a link to %s]", block.URI)
	case "resource":
		if block.Resource.Text != nil {
			return *block.Resource.Text
		}
		return "[a file that cannot be shown here]"
	}
	return fmt.Sprintf("[content of the type %q, which cannot be shown here]", block.Type)
}
