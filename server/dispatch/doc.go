// Package dispatch moves durable work along: an accepted event becomes a run, a
// run is carried to its end, its outcome becomes a callback.
//
//	event --Route--> queued run --claim--> running --Finish--> succeeded | failed | cancelled | dead
//	                                 ^         |                     |
//	                                 |       Park                    +--> callback, same transaction
//	                                 +-- waiting
//
// A job is only a wake-up that names an event, a run or a callback; all state is
// on the thing itself. Each arrow is one method of a store interface and one
// transaction, so that a crash leaves either the state before it or after it.
//
// The interfaces below are what dispatch needs of a store; store/sqlite fulfils
// them and store/storetest checks that it does.
package dispatch
