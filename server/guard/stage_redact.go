package guard

import (
	"context"
	"encoding/json"
	"log/slog"

	"drawbridge/tools"
)

// Redaction is what results lose on their way to whoever called.
type Redaction struct {
	Shapes
	// Everywhere takes them out of every tool's results. Otherwise they are taken out of
	// those that carry text of outsiders: what a customer writes in a mail, say, a model
	// has no use for, and might be talked into sending on.
	Everywhere bool
}

// redactResults takes out of a result what its caller does not see: what a rule names, and what
// looks like a secret. It stands within once, which so remembers what was given, and
// behind the policy, whose verdict it carries out.
//
// A result keeps its form: a text stays a text, of the same format if it has one that
// we know, and all members are there. Numbers are never taken for secrets; those that a
// rule names become 0.
type redactResults struct {
	settings Redaction
	log      *slog.Logger
}

func (s redactResults) around(next step) step {
	return func(ctx context.Context, a *attempt) Result {
		return s.redact(a, next(ctx, a))
	}
}

func (s redactResults) redact(a *attempt, result Result) Result {
	if !a.reached && !a.hit {
		return result // our own words
	}
	shapes := s.settings.Shapes
	if !s.settings.Everywhere && !a.tool.Taints && !a.tool.OpenWorld {
		shapes = Shapes{}
	}
	if result.Err != nil {
		if safe, changed := shapes.hide(result.Err.Message); changed {
			told := *result.Err
			told.Message = safe
			result.Err, result.Redacted = &told, true
		}
		return result
	}
	by := redactor{shapes: shapes, members: a.verdict.Redact, content: a.tool.Mounted}
	output, changed := by.redactJSON(result.Output)
	if !changed {
		return result
	}
	if len(a.verdict.Redact) > 0 && !a.tool.Mounted && !a.tool.fitsOutput(output) {
		s.log.Error("a result without what a rule hides does not fit its schema", "tool", a.Tool, "rule", a.verdict.Rule)
		return Result{Err: tools.Errorf(tools.Failed, "the call was made, and its result is withheld: a rule hides a part of it, and nothing fits in its place. "+
			"Do not call it again; tell whoever looks after the rules.")}
	}
	result.Output, result.Redacted = output, true
	return result
}

// fitsOutput reports whether a result fits the tool's output schema.
func (t *guarded) fitsOutput(output json.RawMessage) bool {
	schema := t.output()
	if schema == nil {
		return false
	}
	value, err := decode(output)
	return err == nil && schema.validate(value) == nil
}
