package slackfake

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// blocks holds a message's blocks to Block Kit's rules (docs.slack.dev/reference/block-kit),
// as far as the kinds go that it knows; it knows no others.
func blocks(value string) string {
	var list []object
	if err := json.Unmarshal([]byte(value), &list); err != nil {
		return "is no list of blocks"
	}
	if len(list) == 0 || len(list) > 50 {
		return fmt.Sprintf("has %d blocks, of 1 to 50", len(list))
	}
	ids, actions := map[string]bool{}, map[string]bool{}
	for i, block := range list {
		if problem := blockProblem(block, actions); problem != "" {
			return fmt.Sprintf("has a block %d that %s", i, problem)
		}
		if id, _ := block["block_id"].(string); id != "" {
			if ids[id] || len(id) > 255 {
				return fmt.Sprintf("has the block_id %q twice, or too long", id)
			}
			ids[id] = true
		}
	}
	return ""
}

func blockProblem(block object, actions map[string]bool) string {
	switch kind, _ := block["type"].(string); kind {
	case "header":
		return textProblem(block["text"], 150, "plain_text")
	case "section":
		fields, _ := block["fields"].([]any)
		if len(fields) > 10 || len(fields) == 0 && block["text"] == nil {
			return fmt.Sprintf("has %d fields and no text, or too many", len(fields))
		}
		for _, field := range fields {
			if problem := textProblem(field, 2000, "plain_text", "mrkdwn"); problem != "" {
				return problem
			}
		}
		if block["text"] != nil {
			return textProblem(block["text"], 3000, "plain_text", "mrkdwn")
		}
		return ""
	case "context":
		elements, _ := block["elements"].([]any)
		if len(elements) == 0 || len(elements) > 10 {
			return fmt.Sprintf("has %d elements", len(elements))
		}
		for _, element := range elements {
			if problem := textProblem(element, 2000, "plain_text", "mrkdwn"); problem != "" {
				return problem
			}
		}
		return ""
	case "divider":
		return ""
	case "rich_text":
		return richProblem(block)
	case "input":
		element, _ := block["element"].(object)
		if element["type"] != "plain_text_input" {
			return fmt.Sprintf("asks for a %v, which is not known here", element["type"])
		}
		if most, ok := element["max_length"].(float64); ok && (most < 1 || most > 3000) {
			return "lets a text be too long"
		}
		if problem := actionProblem(element, actions); problem != "" {
			return problem
		}
		return textProblem(block["label"], 2000, "plain_text")
	case "actions":
		return buttonsProblem(block, actions)
	default:
		return fmt.Sprintf("is of a type %q that is not known here", kind)
	}
}

func buttonsProblem(block object, actions map[string]bool) string {
	elements, _ := block["elements"].([]any)
	if len(elements) == 0 || len(elements) > 25 {
		return fmt.Sprintf("has %d elements", len(elements))
	}
	for _, element := range elements {
		button, _ := element.(object)
		value, _ := button["value"].(string)
		style, styled := button["style"]
		switch {
		case button["type"] != "button":
			return fmt.Sprintf("has a %v, which is not known here", button["type"])
		case len(value) > 2000:
			return "has a button whose value is too long"
		case styled && style != "primary" && style != "danger":
			return fmt.Sprintf("has a button of the style %v", style)
		}
		if problem := textProblem(button["text"], 75, "plain_text"); problem != "" {
			return problem
		}
		if problem := actionProblem(button, actions); problem != "" {
			return problem
		}
	}
	return ""
}

func actionProblem(element object, actions map[string]bool) string {
	id, _ := element["action_id"].(string)
	if id == "" || len(id) > 255 || actions[id] {
		return fmt.Sprintf("has the action_id %q, which is missing, too long, or there twice", id)
	}
	actions[id] = true
	return ""
}

func textProblem(value any, most int, kinds ...string) string {
	text, _ := value.(object)
	said, _ := text["text"].(string)
	if n := utf8.RuneCountInString(said); n == 0 || n > most {
		return fmt.Sprintf("has a text of %d characters, of 1 to %d", n, most)
	}
	for _, kind := range kinds {
		if text["type"] == kind {
			return ""
		}
	}
	return fmt.Sprintf("has a text of the type %v, of %v", text["type"], kinds)
}

// richProblem holds rich text to paragraphs and preformatted text of plain text.
func richProblem(block object) string {
	elements, _ := block["elements"].([]any)
	if len(elements) == 0 {
		return "is empty"
	}
	for _, element := range elements {
		part, _ := element.(object)
		if part["type"] != "rich_text_preformatted" && part["type"] != "rich_text_section" {
			return fmt.Sprintf("has a %v, which is not known here", part["type"])
		}
		inside, _ := part["elements"].([]any)
		if len(inside) == 0 {
			return "has an empty part"
		}
		for _, one := range inside {
			run, _ := one.(object)
			said, _ := run["text"].(string)
			if run["type"] != "text" || said == "" {
				return fmt.Sprintf("has a %v that is no text", run["type"])
			}
		}
	}
	return ""
}

// Problem says which rule of Block Kit a list of blocks breaks, "" for none.
func Problem(list []byte) string { return blocks(string(list)) }
