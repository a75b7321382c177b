// Package retention decides what is kept no longer, and has it removed a little at a
// time (ING-27).
//
// A [Policy] bounds each kind of what a store keeps by age and by count. A [Sweeper]
// makes a pass over the store now and then: kind after kind, in steps. A step looks at
// some rows, and removes of them what is due in one transaction of at most [StepRows]
// rows and about [StepBytes] bytes, so that whoever else writes waits for a few
// milliseconds; between two steps that removed something it pauses.
//
// What is never removed, whatever its age and however many there are: what has not come
// to its end (an event that waits to be routed, a run under way, a callback that is
// owed), dead letters, and what of an event makes a delivery sent again known as such
// (its row, emptied) while that counts. An event goes after its runs, and a run after its
// callbacks, but an event's body does not wait for its runs. Keys of calls and requests
// stay longer than anything that could use them again.
//
// Pages of the database file that come free are used again; the file does not shrink.
package retention
