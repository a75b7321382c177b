// Package dispatch moves durable work along: an accepted event becomes a run, a
// run is carried to its end, its outcome becomes a callback.
//
//	event --Route--> queued --claim--+
//	                                 v
//	talk --Begin----------------> running --Finish--> succeeded | failed | cancelled | dead
//	                              ^     |                 |
//	           claim, Continue ---+   Park, Release       +--> callback, same transaction
//	                              |     v
//	                          waiting, queued --RequestCancel--> cancelled
//
// A job is only a wake-up that names an event, a run or a callback; all state is
// on the thing itself. Each arrow is one method of a store interface and one
// transaction, so that a crash leaves either the state before it or after it.
//
// A run that somebody talks to is as durable as any other ([Dispatcher.Talk],
// [Dispatcher.Reply]). It is carried at once instead of being claimed, and what it
// says and does is heard as it happens, through an [Exchange]. Whoever listens may
// leave, come back, or never call again: the run does not depend on it. What was
// missed is told from the journal.
//
// Whoever carries a run learns that it is to be cancelled ([Dispatcher.Cancel]) through
// the store, so that it does not matter where that was asked for.
//
// The interfaces below are what dispatch needs of a store; store/sqlite fulfils
// them and store/storetest checks that it does.
package dispatch
