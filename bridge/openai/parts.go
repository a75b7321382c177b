package openai

import (
	"encoding/json"
	"fmt"
)

// contentPart is a content part of the chat API.
type contentPart struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Refusal  string `json:"refusal"`
	ImageURL struct {
		URL    string `json:"url"`
		Detail string `json:"detail"`
	} `json:"image_url"`
	File map[string]json.RawMessage `json:"file"`
}

type inputImage struct {
	Type     string `json:"type"`
	ImageURL string `json:"image_url"`
	Detail   string `json:"detail,omitempty"`
}

type refusalPart struct {
	Type    string `json:"type"`
	Refusal string `json:"refusal"`
}

// contentOf gives a message's content as the Responses API takes it: a text, or
// parts, for which it has names of its own.
func contentOf(m Message) (any, error) {
	if len(m.Parts) == 0 && m.Refusal == "" {
		return m.Content, nil
	}
	var out []any
	if len(m.Parts) == 0 && m.Content != "" {
		out = append(out, textPart(m.Role, m.Content))
	}
	for i, raw := range m.Parts {
		part, err := partOf(m.Role, raw)
		if err != nil {
			return nil, fmt.Errorf("content part %d: %w", i, err)
		}
		out = append(out, part)
	}
	if m.Refusal != "" {
		out = append(out, refusalPart{"refusal", m.Refusal})
	}
	return out, nil
}

func textPart(role Role, text string) outputText {
	if role == Assistant {
		return outputText{"output_text", text}
	}
	return outputText{"input_text", text}
}

func partOf(role Role, raw json.RawMessage) (any, error) {
	var p contentPart
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	switch p.Type {
	case "text":
		return textPart(role, p.Text), nil
	case "refusal":
		return refusalPart{"refusal", p.Refusal}, nil
	case "image_url":
		return inputImage{"input_image", p.ImageURL.URL, p.ImageURL.Detail}, nil
	case "file":
		file := map[string]json.RawMessage{"type": json.RawMessage(`"input_file"`)}
		for name, value := range p.File {
			file[name] = value
		}
		return file, nil
	}
	return nil, lacking(contentOfType(p.Type))
}

// responsesParts are the kinds of parts that partOf translates.
var responsesParts = []string{"text", "refusal", "image_url", "file"}

// kindOf is the type of a content part, "" if it has none.
func kindOf(raw json.RawMessage) string {
	var p struct{ Type string }
	_ = json.Unmarshal(raw, &p)
	return p.Type
}

// What the Responses API lacks, in words.
const namesOfSpeakers = "name for who speaks"

func contentOfType(kind string) string { return fmt.Sprintf("content of type %q", kind) }
