// Package replay carries a run once more on what its journal has recorded, and says what
// came out otherwise: against another prompt, another agent, another model, or nothing but
// the program as it is now.
//
// [Read] takes a journal to pieces: what the model said, what each call returned, what the
// run's caller brought. [Recording.Play] gives them to a [bridge.Bridge], which carries the
// run as it carries any: it asks, converts and checks arguments, folds results, counts
// budgets. What it writes down goes into memory. Nothing is called: a session that was
// recorded has no server behind it ([bridge.Recorded]), and there is no store, no listener
// and no network in this package. [Compare] holds the two journals against each other, turn
// by turn.
//
// # Who answers
//
// Without a model the recorded answers are given again, in their order, and the run has to
// come out as it did: that is a check of the bridge, and of the tools' definitions. Whatever
// came from outside of what is replayed then comes from the journal as well (tape.go):
// that time was up, that a day's budget was spent, that the model found a question too
// long, that somebody cancelled the run or had it go on, that a worker died in a call. All
// of that holds only for as long as the replay keeps in step, entry by entry; from the
// first entry that is another on, it goes by itself.
//
// With a model, that is asked, and nothing of the kind is taken over.
//
// # What calls return
//
// A call is known by its tool and its arguments, as the tool would get them, whatever
// the order of members. The call of the same place in the run comes first; else, of those
// that are the same, the one that was made first and is not used yet. A read that is made
// more often than it was gets the last result again. Any other call was never recorded: it
// is answered as [bridge.NotRecorded], in words that say so, or ends the replay there
// ([Policy]). So is a call that the recording has no result of.
//
// # Where to look
//
//	recording.go  a journal taken to pieces
//	play.go       how a run is carried on it, from beginning to end
//	tape.go       the journal in memory, in step with the recorded one
//	answers.go    the model that says what was said
//	calls.go      what calls return; caller.go: those of the run's caller
//	turns.go      a journal as turns
//	compare.go, comparecalls.go, values.go   two of them against each other
package replay
