// Package schedule lets an agent come back to something later: tools with which a run
// has a follow-up of itself made, looks at those it has, and takes one back.
//
// A follow-up is a run of the same agent, for the same owner, at one later time. It can
// do no more than the run that asked for it: whose it is comes from the run
// ([tools.CallerOf]) and from nothing that a model wrote, a run that has read text from
// outside makes a follow-up that counts as having done so, and a follow-up of a
// follow-up knows how long the chain is. Nobody but an agent's run can call the tools:
// there would be no agent to run.
//
// What keeps and wakes follow-ups is behind [Driver]. The bounds are those of this
// package ([MaxOpen], [MaxAhead], [MaxDepth]).
package schedule
