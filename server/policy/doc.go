// Package policy judges calls by rules: who may do what to what extent, and who is to
// be asked first.
//
// A [Rule] is a condition in CEL and what becomes of a call that fits it. [Compile]
// checks rules at the start (compile.go), a [Policy] tries them in their order and the
// first that fits decides (judge.go). What a condition sees is in env.go; what it sees of
// one call, looked up when it is first asked for and at most once, in view.go. The facts
// come from the read tools, through the guard (facts*.go), and the totals from its store.
//
// Nothing is let through by mistake: a rule that cannot be evaluated denies, and so does
// a fact that cannot be had. The rules that hold where an operator says nothing are in
// defaults.go, each with its reason.
package policy
