package guard

import (
	"context"

	"drawbridge/tools"
)

// validate lets only arguments pass that fit the tool's input schema. It explains
// what is wrong to the model that wrote them.
type validate struct{}

func (validate) around(next step) step {
	return func(ctx context.Context, a *attempt) Result {
		if a.Defect != "" {
			return a.refuse("validate", a.Defect, tools.Errorf(tools.Invalid, "%s", a.Defect))
		}
		if a.unreadable != nil {
			return a.refuse("validate", a.unreadable.Error(), tools.Errorf(tools.Invalid, "%s%s",
				a.unreadable, a.tool.input().exampleText(nil)))
		}
		problems := a.tool.problems(a.arguments)
		if len(problems) == 0 {
			return next(ctx, a)
		}
		text := a.tool.input().explain(a.Tool, problems, a.arguments)
		return a.refuse("validate", list(problems, "; "), tools.Errorf(tools.Invalid, "%s", text))
	}
}
