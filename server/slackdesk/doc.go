// Package slackdesk has people decide in Slack about calls that wait for an approval: a
// message with buttons in a channel, and the requests that Slack makes when somebody
// presses one.
//
//	Desk.Tell   a notice is owed  -> a message; that it stands there is noted with the notice    desk.go
//	            what it shows is the approval as it stands                                       message.go, block.go
//	ServeHTTP   a button is pressed -> signature, time, seen before -> read -> whose button ->
//	            who pressed it -> the book decides, by the rules of every door                   door.go, click.go, who.go
//	Desk.Step   the approval stands otherwise, by whatever door, or has run out -> the message
//	            is changed, until it shows how things ended                                      desk.go
//
// Slack wants an answer within three seconds, and has one by then, whatever else is slow:
// what was pressed is dealt with all the same, and whoever pressed it sees the message
// change or is told, alone, why it does not.
//
// A message is posted at least once, as other notices are: Slack knows no keys. One whose
// answer was lost stands there twice, and both work; which of them are ours is learnt when
// somebody presses a button of it.
package slackdesk
