// Package bridge carries a run: it lists the tools of an MCP session, offers them
// to a model as OpenAI functions, makes the calls the model asks for, and gives
// the results back, until the model answers in words or a budget is used up.
//
// # One run
//
// [Bridge.Run] knows nothing but the run's [Journal]. It reads the entries, works
// out what comes next, does it, and writes that down:
//
//	brief    instructions, prompt or conversation, model, budget, function names (first)
//	answer   what the model said, word for word, with its usage, and who answered
//	intent   one call is about to be made, under this key
//	result   what it returned, whole
//	doubt    nobody knows whether the call took effect
//	check    a look-up that may tell is about to be made; checked: what it told
//	decision what a person says about the call
//	approval the call was not made: people have to agree to it; approved: what they said
//	note     what the bridge tells the model: a budget is nearly used up, this is the
//	         last answer, the answer was empty or does not fit its form
//	fold     old results are shown as a line each from here on
//	summary  old turns are shown as a summary from here on
//	input    what the run's caller added while the run waited for it
//	outcome  how the run ended; written by the caller, with the run's end state
//
// An answer is committed together with the intents of the calls that start next,
// a result together with the next intent, so a turn costs as few commits as its
// promises allow. The calls of one turn run side by side when all are reads, else
// one after the other in the order given. Whoever wants to follow gives the task a
// [Watch]: it hears the model's words as they come, and all else once it is durable.
//
// # What models get wrong
//
// Each mistake is told to the model, in the result of the call or in a note, and has
// an end of its own where telling does not help:
//
//	arguments that are no JSON or do not fit, unknown functions   a result that says so
//	call ids missing or given twice                               mended
//	neither words nor calls                                       asked again, twice; then empty_answer
//	cut at the limit of tokens, in a call                         not made, asked again, once; then length
//	cut at the limit of tokens, in words                          length
//	declined, or withheld by the provider                         model_refused, content_filtered
//	the same call with the same result, a third time              a hint behind the result; the fifth: loop
//	an answer that does not fit the output schema                 asked again, twice; then output_invalid
//	more calls than the budget has                                not made; then the last answer
//
// # Budgets
//
// At four fifths of any bound the model is told to come to an end. When one is used
// up there is one more question, without functions, and what the model says to it
// is the answer of a run that failed by that budget's name. A run that has not begun
// waits for the next day if its agent has used up this one.
//
// # Answers that come later
//
// A task with Later has its questions put elsewhere, such as into a batch: the run waits,
// and the answer comes into its journal by [LateAnswer] (later.go). No functions are
// offered then, and there are no last words.
//
// # Callers
//
// A run may be somebody's conversation. The caller's own functions are offered
// behind ours and never called here: once our calls of the same answer are made, the
// run waits until its caller has answered, with [OpenCalls] and [AnswerCalls].
//
// # The model's window
//
// A question that comes near the window is made smaller, at first by what costs
// least: old results become a line each, with a handle for read_result; old turns,
// and old messages of a caller, become a summary that the model writes; then the last
// results are shown shorter. Each step is an entry, so that a resumed run sees the
// same, and the beginning of a question, which providers cache, moves only there. What
// was asked, the last turns, calls whose outcome is unknown and each call that changed
// something stay in any case. What cannot be made to fit ends the run as context_full,
// and says what was too large.
//
// # Approvals
//
// A server may answer a call with an error that says: people have to agree first. Then the
// call is known not to have been made, and the run waits, as approval, without a worker. Once
// they have decided, or the time for it is over, the call is put to the server again under its
// key, and what comes of it, a refusal too, is its result. The calls behind one that waits keep
// their turn; what they need an approval for is asked for meanwhile ([Task.Ahead]), so that
// people see all of it. See [Approvals].
//
// # After a crash
//
// A resumed run asks the model nothing it has answered already and makes no call
// that has a result. An intent without a result is the one thing nobody can know,
// and an answer that was lost on the way leaves no less unknown. What then is the
// tool's to say (RUN-05):
//
//	retry   the call is made again under its key: reads, and tools that take effect
//	        once a key
//	check   a look-up tells whether it took effect: then that is its result, else it
//	        is made again; where the look-up tells nothing, ask
//	ask     the run waits, as outcome_unknown, until a person has decided: [Unknown]
//	        and [Decide]. For all others
//
// A server that notes the key of each call before it makes it, as ours does, is asked
// first: it knows whether it had come to that, and has the first result if there was one.
// A call whose outcome is not known holds up those behind it in its turn. See
// [Bridge.Run] for what a caller gets back.
//
// # Where to look
//
//	a run        run.go (what it is given), life.go (the loop), brief.go (its beginning),
//	             closing.go (its end by a budget), account.go (its end without words),
//	             later.go (answers that come later)
//	a question   question.go, transcript.go (what the model is sent), offer.go (which
//	             functions), context*.go, fold.go and summarize*.go (how it is made to fit)
//	an answer    verdict.go (what it means), output.go (answers that have a form),
//	             repeats.go (calls in vain), budget.go and usage.go
//	a call       turn.go (those of one answer), call.go, doubt.go, clear.go and decide.go
//	             (those whose outcome is not known), approval.go (those that people have to
//	             agree to), local.go and readresult*.go (the
//	             functions that are the bridge's own)
//	the journal  journal.go, entries.go (what is in it), history.go (what that adds up
//	             to), apply.go (how)
//	callers      conversation.go (what they may ask for), caller.go (their own functions),
//	             watch.go (what is heard of a run), outcome.go
//	tools        session.go and overhear.go (MCP), functions.go (what tools become),
//	             returned*.go (what they give back), recorded.go (answers of a run before)
//
// The model's side is in bridge/openai, a scripted model in bridge/rehearsal, a run that
// is carried once more on what an earlier one heard in bridge/replay, and a
// model server that gets everything wrong, for tests, in bridge/openaitest.
package bridge
