// Package callback tells the outside how a run ended: one signed POST per attempt.
//
// A [Message] becomes its stored bytes once, when the run ends; every attempt
// sends the same bytes under the same id, with a new timestamp and signature
// ([Sign]). [Sender.Send] makes one attempt and says what came of it; it keeps no
// state and never sleeps. When to try again is for the queue to hold and for
// [Schedule] and [Result.Wait] to say.
//
// An address is checked at each attempt, by the rules of package egress and again when
// the connection is made. One from the settings is the operator's word; one that a
// request brought is anybody's ([Origin]).
package callback
