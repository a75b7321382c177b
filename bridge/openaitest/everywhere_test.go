package openaitest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Requests that have about every member there is, so that each can be spoilt in turn.
// Optional are the members that may be left out, enums those that take a few words
// only, by the last part of their place.

const richChat = `{
	"model":"m","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},"temperature":1,"top_p":1,"presence_penalty":0,"frequency_penalty":0,
	"max_completion_tokens":100,"n":1,"seed":1,"stop":["a"],"user":"u","metadata":{"a":"b"},"store":true,"reasoning_effort":"low","verbosity":"low","service_tier":"auto",
	"prompt_cache_key":"k","safety_identifier":"s","parallel_tool_calls":false,
	"response_format":{"type":"json_schema","json_schema":{"name":"a","description":"d","strict":false,"schema":{}}},
	"tools":[{"type":"function","function":{"name":"f","description":"d","strict":false,"parameters":{"type":"object","properties":{}}}}],
	"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}},
	"messages":[
		{"role":"system","name":"s","content":[{"type":"text","text":"x"}]},
		{"role":"user","name":"u","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"https://e.com/a.png","detail":"low"}},
			{"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}},{"type":"file","file":{"file_data":"data:a/b;base64,AAAA","filename":"f"}}]},
		{"role":"assistant","name":"a","refusal":"r","content":[{"type":"text","text":"x"},{"type":"refusal","refusal":"no"}],"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"x"}]}]}`

var optionalInChat = []string{
	"stream", "stream_options", "include_usage", "include_obfuscation", "temperature", "top_p", "presence_penalty", "frequency_penalty", "max_completion_tokens", "n", "seed", "stop", "user", "metadata", "metadata.a",
	"store", "reasoning_effort", "verbosity", "service_tier", "prompt_cache_key", "safety_identifier", "parallel_tool_calls", "response_format", "description", "strict", "schema", "tools", "parameters", "tool_choice", "detail",
	"messages[0].name", "messages[1].name", "messages[2].name", "messages[2].refusal", "messages[2].content", "messages[2].tool_calls", "filename", "file_data",
}

const namedChoice = `{"model":"m","messages":[` + user + `],"tools":[` + f + `],"tool_choice":{"type":"function","function":{"name":"f"}}}`

const richResponses = `{
	"model":"m","stream":true,"stream_options":{"include_obfuscation":false},"instructions":"i","temperature":1,"top_p":1,"max_output_tokens":100,"max_tool_calls":3,"metadata":{"a":"b"},
	"store":false,"truncation":"auto","service_tier":"auto","user":"u","prompt_cache_key":"k","safety_identifier":"s","parallel_tool_calls":true,
	"include":["reasoning.encrypted_content"],"reasoning":{"effort":"low","summary":"auto"},
	"text":{"verbosity":"low","format":{"type":"json_schema","name":"a","description":"d","strict":false,"schema":{}}},
	"tools":[{"type":"function","name":"f","description":"d","strict":false,"parameters":{"type":"object","properties":{}}}],
	"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]},
	"input":[
		{"type":"message","role":"user","content":[{"type":"input_text","text":"x"},{"type":"input_image","image_url":"https://e.com/a.png","detail":"low"},{"type":"input_file","file_data":"data:a/b;base64,AAAA","filename":"f"}]},
		{"type":"message","id":"i","status":"completed","role":"assistant","content":[{"type":"output_text","text":"x","annotations":[],"logprobs":[]},{"type":"refusal","refusal":"no"}]},
		{"type":"function_call","id":"fc","status":"completed","call_id":"c","name":"f","arguments":"{}"},
		{"type":"function_call_output","id":"fo","status":"completed","call_id":"c","output":[{"type":"input_text","text":"x"}]}]}`

var optionalInResponses = []string{
	"stream", "stream_options", "include_obfuscation", "instructions", "temperature", "top_p", "max_output_tokens", "max_tool_calls", "metadata", "metadata.a", "store", "truncation", "service_tier", "user", "prompt_cache_key",
	"safety_identifier", "parallel_tool_calls", "include", "reasoning", "effort", "summary", "/text", "verbosity", "text.format", "description", "tools", "tool_choice", "detail", "annotations", "logprobs", "status", "filename", "file_data",
	"format.strict", "input[0].type", "input[2].type", "input[3].type", "input[1].type", "input[1].id", "input[2].id", "input[3].id", "tool_choice.mode", "tool_choice.tools", "tools[0].description",
}

var enums = []string{
	"role", "type", "mode", "detail", "format", "reasoning_effort", "effort", "verbosity", "service_tier", "truncation", "summary", "status", "input_audio.format", "include[0]",
}

// free are members that the protocol leaves to their owners.
var free = []string{"parameters", "schema", "metadata", "annotations", "logprobs"}

// unread are members that are not judged here, or as a whole only.
var unread = []string{"parameters", "schema", "annotations", "logprobs"}

// spot is one member of a request. set gives the request with another value
// there, or without it.
type spot struct {
	path  string
	value any
	set   func(value any) string
}

// absent stands for a member that is taken out.
var absent = new(int)

// spots goes through all members of a request's objects, and all items of its lists.
func spots(t *testing.T, body string) []spot {
	t.Helper()
	var root any
	if err := json.Unmarshal([]byte(body), &root); err != nil {
		t.Fatal(err)
	}
	var out []spot
	// with gives the request while something in it is different.
	with := func(change, undo func()) string {
		change()
		defer undo()
		return string(encoded(root))
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				at := strings.TrimPrefix(path+"."+name, ".")
				undo := func() { v[name] = value }
				out = append(out, spot{at, value, func(other any) string {
					if other == absent {
						return with(func() { delete(v, name) }, undo)
					}
					return with(func() { v[name] = other }, undo)
				}})
				if !slices.Contains(free, name) {
					walk(at, value)
				}
			}
		case []any:
			for i, item := range v {
				out = append(out, spot{place(path, i), item, func(other any) string {
					return with(func() { v[i] = other }, func() { v[i] = item })
				}})
				walk(place(path, i), item)
			}
		}
	}
	walk("", root)
	return out
}

// isOneOf reports whether a place is, or ends in, one of those named; a name behind
// a slash is the request's own.
func isOneOf(path string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return path == strings.TrimPrefix(name, "/") || strings.HasSuffix(path, "."+name)
	})
}

var everywhere = []struct {
	path, body string
	optional   []string
}{
	{chat, richChat, optionalInChat},
	{chat, namedChoice, optionalInChat},
	{"/responses", richResponses, optionalInResponses},
}

// blames reports whether something is found at a place, or within. Lists of words are
// judged as a whole.
func blames(found []Violation, path string) bool {
	if list, _, ok := strings.Cut(path, "["); ok && (list == "stop" || list == "include") {
		path = list
	}
	return slices.ContainsFunc(found, func(v Violation) bool { return strings.HasPrefix(v.Param, path) })
}

func TestRichRequestsAreSound(t *testing.T) {
	for _, c := range everywhere {
		if found := judge(t, c.path, c.body); len(found) > 0 {
			t.Errorf("needless: %v", found)
		}
	}
}

func TestMemberOfAnotherKindIsCaughtEverywhere(t *testing.T) {
	for _, c := range everywhere {
		for _, s := range spots(t, c.body) {
			other := any(7)
			if _, number := s.value.(float64); number {
				other = "x"
			}
			if found := judge(t, c.path, s.set(other)); !isOneOf(s.path, unread) && !blames(found, s.path) {
				t.Errorf("%s: %v in place of %v: found %v", s.path, other, s.value, found)
			}
		}
	}
}

func TestMissingMemberIsCaughtEverywhere(t *testing.T) {
	for _, c := range everywhere {
		for _, s := range spots(t, c.body) {
			if strings.HasSuffix(s.path, "]") {
				continue // an item less is no mistake
			}
			found := judge(t, c.path, s.set(absent))
			if optional := isOneOf(s.path, c.optional); !optional && !blames(found, s.path) {
				t.Errorf("%s: left out: found %v", s.path, found)
			}
		}
	}
}

func TestUnknownMemberIsCaughtEverywhere(t *testing.T) {
	for _, c := range everywhere {
		for _, s := range spots(t, c.body) {
			members, isObject := s.value.(map[string]any)
			if !isObject || isOneOf(s.path, free) {
				continue
			}
			more := map[string]any{"zz": 1}
			for name, value := range members {
				more[name] = value
			}
			if found := judge(t, c.path, s.set(more)); !blames(found, s.path+".zz") {
				t.Errorf("%s.zz: found %v", s.path, found)
			}
		}
	}
}

func TestUnknownWordIsCaughtEverywhere(t *testing.T) {
	for _, c := range everywhere {
		seen := 0
		for _, s := range spots(t, c.body) {
			if _, word := s.value.(string); !word || !isOneOf(s.path, enums) {
				continue
			}
			seen++
			if found := judge(t, c.path, s.set("zz")); !blames(found, s.path) {
				t.Errorf("%s: \"zz\" in place of %v: found %v", s.path, s.value, found)
			}
		}
		if seen < 3 {
			t.Errorf("only %d words in %s", seen, c.path)
		}
	}
}

func TestEmptyIdentifierIsCaught(t *testing.T) {
	for _, name := range []string{"prompt_cache_key", "safety_identifier"} {
		for path, with := range map[string]func(string) string{chat: chatWith, "/responses": putWith} {
			if found := judge(t, path, with(fmt.Sprintf(`"%s":""`, name))); !blames(found, name) {
				t.Errorf("%s: an empty %s: found %v", path, name, found)
			}
		}
	}
}
