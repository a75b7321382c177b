// Package email is the mail family of tools: send, draft, schedule, templates,
// and the mailbox of what was sent and received.
//
// [Email] is the portable face. Every address, subject and body passes its
// checks ([Mail.Check]) before a backend sees it, so a backend holds only what
// differs. A backend fulfils [Sender] and whichever of [Drafts], [Scheduler],
// [Templates] and [Mailbox] it can; [Tools] offers the tools it can serve.
// [Compose] makes the message as it goes on the wire (RFC 5322), the same for
// every backend that writes its own.
//
// Addresses are ASCII: a local part of RFC 5321 atoms and a domain name of two
// labels or more. SMTPUTF8 (RFC 6531) is not supported, because a relay that
// lacks it can only bounce the message, after the caller was told that it went;
// an international domain is written in its xn-- form. Display names and bodies
// are any UTF-8.
package email
