package policy

import (
	"slices"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// A variable is something that conditions see.
type variable struct {
	name string
	of   *cel.Type
	what string // for people
}

// variables are all of them but the operator's own facts. What stands behind "facts" is
// looked up when a condition comes to it.
var variables = []variable{
	{"tool", cel.StringType, "the tool's name"},
	{"effect", cel.StringType, "read, write, message or money"},
	{"args", cel.DynType, "the call's arguments; has(args.x) says whether there is one"},
	{"principal", cel.StringType, "who calls: key:desk, local:stdio, agent:billing"},
	{"principal.kind", cel.StringType, "key, jwt, cert, local, agent"},
	{"principal.name", cel.StringType, "its name"},
	{"agent", cel.StringType, "the agent's name, empty if none calls"},
	{"source", cel.StringType, "the webhook or schedule that began the run, empty if none did"},
	{"door", cel.StringType, "http, sse, stdio, chat, agent"},
	{"run.id", cel.StringType, "the run, empty outside of one"},
	{"run.tainted", cel.BoolType, "the run has read text from outside"},
	{"run.trigger", cel.StringType, "for whom the run acts: webhook:stripe, schedule:nightly, key:desk, local:http"},
	{"run.calls", cel.IntType, "how many calls the run has made"},
	{"run.counts", cel.MapType(cel.StringType, cel.IntType), "the same by tool"},
	{"call.destructive", cel.BoolType, "what it does cannot simply be undone"},
	{"call.open_world", cel.BoolType, "the tool reaches beyond the systems of the settings"},
	{"call.mounted", cel.BoolType, "the tool is a mounted server's"},
	{"call.local", cel.BoolType, "somebody at this machine asks, and no text from outside was read"},
	{"facts.amount_known", cel.BoolType, "whether it can be told how much money the call moves"},
	{"facts.amount_minor", cel.IntType, "how much, in minor units"},
	{"facts.currency", cel.StringType, "in which currency (ISO 4217)"},
	{"facts.payment.amount_minor", cel.IntType, "of the payment that the call is about: what was paid"},
	{"facts.payment.left_minor", cel.IntType, "what of it can be refunded"},
	{"facts.payment.currency", cel.StringType, "its currency"},
	{"facts.payment.status", cel.StringType, "its state"},
	{"facts.payment.disputed", cel.BoolType, "whether the bank has taken it back"},
	{"facts.payment.age_days", cel.IntType, "how many whole days ago it was made"},
	{"facts.customer.known", cel.BoolType, "whether the CRM knows the customer that the call is about"},
	{"facts.customer.age_days", cel.IntType, "for how many whole days"},
	{"facts.customer.paid", cel.MapType(cel.StringType, cel.IntType), "what the customer has paid, less refunds, in minor units by currency"},
	{"facts.recipients", cel.ListType(cel.StringType), "whom the message goes to"},
	{"facts.recipients_known", cel.BoolType, "every one of them is a customer"},
	{"facts.recipients_of_event", cel.BoolType, "every one of them is a customer that the run's event is about: of a mail, who wrote it"},
	{"facts.new_addresses", cel.ListType(cel.StringType), "hosts in the arguments that are neither ours nor in the event"},
}

// totalsName is what spent and count ask. No condition can name it.
const totalsName = "@totals"

var totalsType = cel.OpaqueType("totals")

// base is the environment of conditions, without the operator's own facts.
var base = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.Variable(totalsName, totalsType),
		asked("spent", 3), asked("spent", 4), asked("count", 2), asked("count", 3),
		cel.Macros(asMember("spent", 3), asMember("spent", 4), asMember("count", 2), asMember("count", 3)),
	}
	for _, v := range variables {
		options = append(options, cel.Variable(v.name, v.of))
	}
	return cel.NewEnv(options...)
})

// asMember reads spent(...) as a question to the totals of the call that is judged.
func asMember(name string, args int) cel.Macro {
	return cel.GlobalMacro(name, args, func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		return f.NewMemberCall(name, f.NewIdent(totalsName), args...), nil
	})
}

// asked is spent(tool, period, currency) or count(tool, period), each with a principal
// more.
func asked(name string, args int) cel.EnvOption {
	texts := slices.Repeat([]*cel.Type{cel.StringType}, args)
	id := name + string(rune('0'+args))
	return cel.Function(name, cel.MemberOverload(id, append([]*cel.Type{totalsType}, texts...), cel.IntType,
		cel.FunctionBinding(func(values ...ref.Val) ref.Val {
			totals, ok := values[0].(*asking)
			if !ok {
				return types.NewErr("no totals")
			}
			var given []string
			for _, v := range values[1:] {
				text, ok := v.(types.String)
				if !ok {
					return types.MaybeNoSuchOverloadErr(v)
				}
				given = append(given, string(text))
			}
			return totals.answer(name, given)
		})))
}
