// Package mailwatch makes events of new mail: each message that comes into a mailbox
// becomes exactly one event, as if its sender had called a webhook.
package mailwatch
