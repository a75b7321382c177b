package slackdesk

import (
	"encoding/json"
	"strings"
)

// object is a part of a message, as Block Kit has it (docs.slack.dev/reference/block-kit).
type object = map[string]any

// escape gives a text as it means itself in Slack's markup.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

// cut shortens a text to so many characters, and says how many are missing.
func cut(text string, most int) (string, int) {
	runes := []rune(text)
	if len(runes) <= most {
		return text, 0
	}
	return string(runes[:most-1]) + "…", len(runes) - most + 1
}

// line is a text of one line, of any length, as a part of a message may have it.
func line(text string, most int) string {
	text, _ = cut(strings.Join(strings.Fields(text), " "), most)
	if text == "" {
		return "-"
	}
	return text
}

func plain(text string) object { return object{"type": "plain_text", "text": text, "emoji": false} }

func marked(text string) object { return object{"type": "mrkdwn", "text": text, "verbatim": true} }

func header(text string) object { return object{"type": "header", "text": plain(line(text, 150))} }

// fields are names with what they say; that is markup.
func fields(pairs ...[2]string) object {
	var all []object
	for _, pair := range pairs {
		if pair[1] != "" {
			all = append(all, marked("*"+pair[0]+"*\n"+pair[1]))
		}
	}
	return object{"type": "section", "fields": all}
}

func remark(text string) object { return object{"type": "context", "elements": []object{marked(text)}} }

// quoted shows a text as it is: nothing in it is markup.
func quoted(introduction, text string) object {
	run := func(text string) []object { return []object{{"type": "text", "text": text}} }
	return object{"type": "rich_text", "elements": []object{
		{"type": "rich_text_section", "elements": run(introduction)},
		{"type": "rich_text_preformatted", "elements": run(text)},
	}}
}

func button(text, style, action, value string) object {
	return object{"type": "button", "text": plain(text), "style": style, "action_id": action, "value": value}
}

func encoded(blocks []object) []json.RawMessage {
	all := make([]json.RawMessage, len(blocks))
	for i, block := range blocks {
		all[i], _ = json.Marshal(block) // plain data
	}
	return all
}
