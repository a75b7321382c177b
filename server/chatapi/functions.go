package chatapi

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"drawbridge/bridge/openai"
)

// functions takes the caller's own functions.
func (o *object) functions() []openai.Function {
	var functions []openai.Function
	for i, raw := range o.list("tools", maxFunctions) {
		at := fmt.Sprintf("tools[%d]", i)
		tool := o.read(at, raw)
		tool.need("type")
		if kind := tool.text("type", maxName); o.err == nil && kind != "function" {
			o.wrong(at+".type", "unsupported_value", "%s.type is %q; only functions are supported", at, kind)
		}
		tool.need("function")
		inner, _ := tool.inside("function")
		function := inner.function(at + ".function")
		tool.done()
		if o.err != nil {
			return nil
		}
		if slices.ContainsFunc(functions, func(f openai.Function) bool { return f.Name == function.Name }) {
			o.wrong(at+".function.name", "invalid_value", "%s.function.name: the name %q is there twice", at, function.Name)
		}
		functions = append(functions, function)
	}
	return functions
}

func (o *object) function(at string) openai.Function {
	o.need("name")
	f := openai.Function{Name: o.text("name", math.MaxInt), Description: o.text("description", math.MaxInt)}
	if o.err == nil && !validName(f.Name) {
		o.wrong(at+".name", "invalid_value", "%s.name is %q; it may hold letters, digits, _ and -, 1 to %d", at, shown(f.Name), maxName)
	}
	if strict := o.flag("strict"); strict != nil {
		f.Strict = *strict
	}
	f.Parameters = compacted(o.members["parameters"])
	if parameters, given := o.inside("parameters"); !given || len(parameters.members) == 0 {
		f.Parameters = json.RawMessage(`{"type":"object","properties":{}}`)
	}
	o.done()
	return f
}

// validName is OpenAI's rule for names of functions and schemas.
func validName(name string) bool {
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return name != "" && len(name) <= maxName
}

// toolChoice takes what is said about calling functions. Names have to be the
// caller's: which functions an agent has is not the caller's to choose.
func (o *object) toolChoice(functions []openai.Function) json.RawMessage {
	raw := o.members["tool_choice"]
	if len(raw) > 0 && raw[0] == '"' {
		o.oneOf("tool_choice", "none", "auto", "required")
		return compacted(raw)
	}
	choice, given := o.inside("tool_choice")
	if !given || len(choice.members) == 0 {
		return nil
	}
	choice.need("type")
	switch choice.oneOf("type", "function", "allowed_tools") {
	case "function":
		choice.chosen(functions)
	case "allowed_tools":
		choice.need("allowed_tools")
		allowed, _ := choice.inside("allowed_tools")
		allowed.need("mode")
		allowed.oneOf("mode", "auto", "required")
		for i, raw := range allowed.list("tools", maxFunctions) {
			tool := o.read(fmt.Sprintf("tool_choice.allowed_tools.tools[%d]", i), raw)
			tool.oneOf("type", "function")
			tool.chosen(functions)
			tool.done()
		}
		allowed.done()
	}
	choice.done()
	return compacted(raw)
}

// chosen takes the name of one of the caller's functions.
func (o *object) chosen(functions []openai.Function) {
	o.need("function")
	inner, _ := o.inside("function")
	inner.need("name")
	name := inner.text("name", maxName)
	inner.done()
	if !slices.ContainsFunc(functions, func(f openai.Function) bool { return f.Name == name }) {
		o.wrong(o.at+"function.name", "invalid_value", "%sfunction.name: there is no function %q in tools", o.at, name)
	}
}
