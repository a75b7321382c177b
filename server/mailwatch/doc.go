// Package mailwatch makes events of new mail: each message that comes into a mailbox
// becomes exactly one event, as if its sender had called a webhook.
//
// The mailbox is read by somebody else (Follow), in the order of the numbers that its
// server gives. A message's event and the position behind it are stored in one transaction,
// which holds only where nobody else has read on: so neither a crash nor a second node makes
// two events of one, or leaves one out. Only when the server numbers its messages anew are
// they known by what they are (Mail.Key), and by when they came: see start.go.
package mailwatch
