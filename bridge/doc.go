// Package bridge carries a run: it lists the tools of an MCP session, offers them
// to a model as OpenAI functions, makes the calls the model asks for, and gives
// the results back, until the model answers in words or a budget is used up.
//
// # One run
//
// [Bridge.Run] knows nothing but the run's [Journal]. It reads the entries, works
// out what comes next, does it, and writes that down:
//
//	brief    instructions, prompt, model, budget, function names   (first)
//	answer   what the model said, word for word, with its usage
//	intent   one call is about to be made, under this key
//	result   what it returned, whole
//	outcome  how the run ended; written by the caller, with the run's end state
//
// An answer is committed together with the intents of the calls that start next,
// a result together with the next intent, so a turn costs as few commits as its
// promises allow. The calls of one turn run side by side when all are reads, else
// one after the other in the order given.
//
// # After a crash
//
// A resumed run asks the model nothing it has answered already and makes no call
// that has a result. An intent without a result is the one thing nobody can know:
// a read is made again; a call to an idempotent tool is made again under the same
// key; any other is answered to the model as "outcome unknown", with the request
// to say so and not to try again. See [Bridge.Run] for what a caller gets back.
//
// # Where to look
//
// run.go is the loop, turn.go the calls of one answer, call.go a single call,
// history.go what the entries add up to, transcript.go what the model is sent,
// budget.go and outcome.go the ends of a run, functions.go what the tools become,
// offer.go which of them a request carries, session.go and returned.go the MCP side,
// local.go the functions that are the bridge's own. The model's side is in
// bridge/openai, a scripted model in bridge/rehearsal.
//
// Doubt: the clock of a run's wall budget goes on while the run waits, for a
// model that is down as well as for whatever later makes runs wait.
package bridge
