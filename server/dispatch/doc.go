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
// # Routes and gates
//
// A source has routes ([Source], brief.go). An event is held against the source's schema
// (schema.go), and each route's condition and key are evaluated (expression.go) and its
// prompt is made (prompt.go; outside.go is how a sender's text goes into it). The runs
// that come of it are queued, and pass gates before they begin ([Gate], line.go):
//
//	delay --> line --> subject --> route --> source --> claim
//
// until their time; until no earlier event of the source waits to be routed; until no
// earlier run of the subject is under way; until the route, and the source, have room. A
// run that stands at a gate has no job. The transaction that makes room for it, such as
// the end of the run before it, gives it one: nothing polls, and what cannot begin takes
// neither a worker nor anybody's time. A parked run keeps its place.
//
// # Work that waits in the store
//
// [Dispatcher.Run] claims events, runs and callbacks, as many as there are slots for
// (pool.go), under leases that it renews (hold.go). It looks for what is due itself, or is
// called for it by a [JobEngine] (called.go). Whoever has lost a lease stops at once, and
// whoever cannot be sure of one calls no tool; while the store is away ([ErrAway], away.go)
// everybody waits with what they have. An event becomes runs, a run is
// carried by the bridge (carry.go, and life.go for what one carrying of a run is), its
// outcome becomes a callback (callbacks.go, report.go), which is sent
// (deliver.go). What goes wrong counts as a fault and is tried again; a wait for the
// model, the tools, the next day or a caller does not take a slot.
//
// # What is due at times
//
// A schedule of the settings ([Schedule], schedule.go), or a follow-up of an agent's own
// ([FollowUp], schedule_store.go), has a job that is due at its next time. Whoever claims
// it deals with one time (schedule_tick.go): a run, or a note why there is none, and the
// schedule has moved on, in one transaction. No time is dealt with twice, since a schedule
// only moves on from where it was claimed, and none is lost, since it stays there until
// then. When a schedule is due is server/timetable's to say.
//
// # Answers that come with batches
//
// An agent may have its questions asked in batches (batch.go): its run is claimed, says
// what it asks, and waits without a worker. A batch ([Batch], batchstore.go) has a job and
// an epoch of its own (batchwork.go, and batchresults.go for its end):
//
//	collecting --full, or waited--> closed --> uploaded --> creating --> submitted --> done
//	                                              ^            |            |
//	                                              +--not made--+            +--> answers: runs due
//	                                              +--no room for it---------+--> not come to: the next batch
//
// It is made once: that it was asked for is noted before, and whoever finds that note and
// nothing else looks for it. It is continued by an event of OpenAI's, or asked about with
// growing pauses. Responses that other events of OpenAI's name are fetched (fetch.go).
//
// # Runs that somebody listens to
//
// A run that somebody talks to is as durable as any other ([Dispatcher.Talk], talk.go;
// [Dispatcher.Reply], reply.go). It is carried at once instead of being claimed, beside
// the slots (live.go), and what it says and does is heard as it happens, through an
// [Exchange] (exchange.go). Whoever listens may leave, come back, or never call again:
// the run does not depend on it.
//
// A transcript (transcript.go) is what is known here of one run, in parts of one
// exchange each (part.go). Whoever carries the run writes it; of a run that is carried
// elsewhere, or was, it is read from the journal (lookup.go). A listener (listener.go)
// is a place in it.
//
// # Cancelling
//
// Whoever carries a run learns that it is to be cancelled ([Dispatcher.Cancel],
// cancel.go) through the store, so that it does not matter where that was asked for.
//
// [Store] is all that dispatch needs of one, in interfaces beside what they are about;
// store/sqlite fulfils them and store/storetest checks that it does.
package dispatch
