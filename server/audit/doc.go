// Package audit makes a chain of the rows of the audit, and finds out whether somebody has
// changed it.
//
// Each row carries the hash of the one before it and its own, over all that it says
// ([Record.Sum]): to change, drop or move one means to make all behind it anew. So that
// this is found too, a [Head] says from time to time how many rows there were and what the
// last one's hash was, signed with a key that is not in the database ([Signer]). [Verify]
// goes over all rows and heads and names the first thing that does not fit; a [Keeper]
// sees to it that rows get their places and heads are made.
//
// What it cannot find: rows that were made anew behind the last head that anybody has kept.
// A head is made within a second or so; heads that the log or an export took out of the
// database's reach are what an attacker who can write there, and has the key, is held to.
package audit
