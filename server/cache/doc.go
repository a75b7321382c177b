// Package cache keeps what reads gave, for the guard: in this process ([Memory]), or in a
// Redis that several nodes share ([Redis]).
//
// Both work by marks. A family has one at any time, and each change in it gives it another,
// before the change and behind it. What is kept is kept under the mark that stood when the
// read began, and is found while that mark stands. So nothing has to be searched for and
// removed, no lock is held while a backend answers, and the answer of a slow read that a
// write has overtaken is kept under a mark that nobody asks for any more.
//
// What nobody sees here is what others do at the vendor: answers are kept for a short time
// only, and are as old as that at most.
package cache
