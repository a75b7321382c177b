// Package callback tells the outside how a run ended: one signed POST per attempt.
//
// A [Message] becomes its stored bytes once, when the run ends; every attempt
// sends the same bytes under the same id, with a new timestamp and signature
// ([Sign]). [Sender.Send] makes one attempt and says what came of it; it keeps no
// state and never sleeps. When to try again is for the queue to hold and for
// [Schedule] and [Result.Wait] to say.
//
// The address is checked when the connection is made, after the name was resolved
// (egress.go): a check of the name alone would be undone by a resolver that
// answers differently the second time.
package callback
