package openaitest

import (
	"encoding/json"
	"regexp"
	"sync"

	"drawbridge/bridge/convert/strictrules"
)

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// readTool reads one entry of tools in the way of an API; where is the place of the
// object that holds the name.
type readTool func(c *checker, at string, raw json.RawMessage) (f Function, ok bool)

// chatTool wraps the definition: {"type":"function","function":{...}}.
func chatTool(c *checker, at string, raw json.RawMessage) (Function, bool) {
	tool, ok := c.object(at, raw)
	if !ok {
		return Function{}, false
	}
	tool.only("type", "function")
	tool.need("type", "function")
	tool.among("type", "function")
	f, ok := tool.sub("function")
	if !ok {
		return Function{}, false
	}
	f.only("name", "description", "parameters", "strict")
	return readFunction(f), true
}

// responsesTool is flat. Its strict must be said: without it the server would change
// the schema.
func responsesTool(c *checker, at string, raw json.RawMessage) (Function, bool) {
	f, ok := c.object(at, raw)
	if !ok {
		return Function{}, false
	}
	f.only("type", "name", "description", "parameters", "strict")
	f.need("type", "parameters", "strict")
	f.among("type", "function")
	return readFunction(f), true
}

func readFunction(f object) Function {
	f.need("name")
	return Function{
		Name: f.matching("name", namePattern), Description: f.text("description"),
		Parameters: f.members["parameters"], Strict: f.flag("strict"),
	}
}

// checkTools judges the functions that a request offers.
func (h *Handler) checkTools(body object, api API, read readTool) []Function {
	l := h.known.of(string(api)+string(body.members["tools"]), func() offer { return readOffer(body, read) })
	body.c.found = append(body.c.found, l.found...)
	return l.functions
}

// offer is a list of tools, and what is wrong with it.
type offer struct {
	functions []Function
	found     []Violation
}

func readOffer(body object, read readTool) (l offer) {
	body.c = &checker{}
	var names []string
	for i, raw := range body.list("tools") {
		f, ok := read(body.c, place("tools", i), raw)
		if !ok {
			continue
		}
		l.functions, names = append(l.functions, f), append(names, f.Name)
		if broken := strictrules.Check(f.Name, f.Parameters, f.Strict); len(broken) > 0 {
			body.c.report(place("tools", i), "%s", strictrules.Refusal(f.Name, broken))
		}
	}
	for _, v := range strictrules.CheckNames(names) {
		body.c.report("tools", "Invalid 'tools': %s", v.Text)
	}
	l.found = body.c.found
	return l
}

// offers remembers those that were judged: every turn of a conversation sends the same
// one, and it is most of a request.
type offers struct {
	mu   sync.Mutex
	made map[string]offer
}

func (k *offers) of(raw string, read func() offer) offer {
	const most = 100
	k.mu.Lock()
	defer k.mu.Unlock()
	l, ok := k.made[raw]
	if ok {
		return l
	}
	if k.made == nil || len(k.made) >= most {
		k.made = map[string]offer{}
	}
	l = read()
	k.made[raw] = l
	return l
}

// checkSchema judges the schema of a structured answer.
func checkSchema(o object) {
	o.need("name")
	name := o.matching("name", namePattern)
	o.text("description")
	strict := o.flag("strict")
	if !o.has("schema") {
		return
	}
	if broken := strictrules.Check(name, o.members["schema"], strict); len(broken) > 0 && strict {
		o.c.report(o.path("schema"), "Invalid schema for response_format '%s': %s", name, broken[0].Text)
	}
}

// named finds the function in a tool_choice.
type named func(choice object) string

func chatChoice(choice object) string {
	choice.only("type", "function")
	f, ok := choice.sub("function")
	if !ok {
		choice.need("function")
		return ""
	}
	f.only("name")
	f.need("name")
	return f.text("name")
}

func responsesChoice(choice object) string {
	choice.only("type", "name")
	choice.need("name")
	return choice.text("name")
}

func checkToolChoice(body object, q *Request, name named) {
	if !body.has("tool_choice") {
		return
	}
	body.with("tool_choice", "tools")
	if json.Unmarshal(body.members["tool_choice"], new(string)) == nil {
		body.among("tool_choice", "none", "auto", "required")
		return
	}
	choice, ok := body.sub("tool_choice")
	if !ok {
		return
	}
	choice.need("type")
	switch choice.among("type", "function", "allowed_tools") {
	case "function":
		isOffered(choice, q, name(choice))
	case "allowed_tools":
		checkAllowed(choice, q, name)
	}
}

// checkAllowed judges {"type":"allowed_tools"}, which the chat API wraps once more.
func checkAllowed(choice object, q *Request, name named) {
	allowed := choice
	if q.API == Chat {
		choice.only("type", "allowed_tools")
		choice.need("allowed_tools")
		var ok bool
		if allowed, ok = choice.sub("allowed_tools"); !ok {
			return
		}
		allowed.only("mode", "tools")
	} else {
		allowed.only("type", "mode", "tools")
	}
	allowed.need("mode", "tools")
	allowed.among("mode", "auto", "required")
	for i, raw := range allowed.list("tools") {
		tool, ok := allowed.c.object(place(allowed.path("tools"), i), raw)
		if !ok {
			continue
		}
		tool.need("type")
		tool.among("type", "function")
		isOffered(tool, q, name(tool))
	}
}

func isOffered(choice object, q *Request, name string) {
	if name != "" && !q.Offers(name) {
		choice.c.report(choice.at, "Tool choice '%s' not found in 'tools' parameter.", name)
	}
}
