// Package smtp is the mail backend that hands messages to a mail server (RFC 5321), which
// delivers them: the submission service of a provider, or a relay inside.
//
// The walk of a message: [Backend.Send] composes it under the Message-ID of the call's
// idempotency key and signs it (dkim.go), takes a connection (tools/connpool) that is there or is
// made, encrypted and authenticated (conn.go), gives the message to the server
// (conversation.go), and reads what the answer means (judge.go).
//
// SMTP has no idempotency keys, so this driver is not idempotent. Up to the line that ends
// a message the server has taken on nothing: whatever breaks before it is an error that
// says that nothing was sent. The server's answer to that line decides; when it is lost,
// the outcome is unknown and nothing here sends the message again. Whoever does gives it
// the same Message-ID, by which many receivers show it once; nobody has to.
//
// A message goes to all of its recipients or to none: where the server refuses one of
// them, the message is not given to it.
//
// A mail server keeps nothing to be read, so the driver is an [email.Sender] and no more:
// there are no drafts, no scheduled mail, no templates and no mailbox.
package smtp
