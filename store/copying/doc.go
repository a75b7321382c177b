// Package copying takes all that one store holds to another, of the same engine or of the
// other one, and makes sure that it has arrived.
//
// What there is to copy comes from the databases themselves ([Tables]): a table that is
// new is copied without anybody having to remember it, and one that only one of the two
// has stops the copy before it begins. Rows are streamed. When all are there, both sides
// are read again, each by itself, and compared table by table: how many rows there are,
// and a digest of all their values in one form for both engines ([Digest]).
//
// The engines see to it that nobody uses either store meanwhile, and that what has not
// passed the comparison leaves nothing behind.
package copying
