// Package slack serves the notify family from a Slack workspace, with the token of an app's
// bot, over slack-go. It was built against Slack's published documents and a fake made
// from them (slackfake). No live workspace was ever asked.
//
// # Once
//
// chat.postMessage has no idempotency key: a client_msg_id shows up in what Slack sends,
// and Slack's own people say that it is not for apps. So a message is not idempotent here.
// Whenever Slack may have taken one and its answer was lost, the outcome is unknown, and a
// person decides; the errors internal_error and fatal_error count as such, since Slack says
// that a part may have been done. Nothing is ever posted a second time from here.
//
// # Who reads it
//
// Unless Settings.Outside is set, a channel is looked at before something is posted there
// (conversations.info; remembered for a minute), and a person before they are written to:
// channels shared with other companies (Slack Connect), group messages, guests and people
// of other workspaces are refused. A guest who was invited into an ordinary channel does
// not show in it, and reads what is posted there.
//
// # What a text can do
//
// &, < and > of a text are escaped, so that no mention, no link with another face and no
// <!everyone> can come out of it; mentions are made from the ids of their own argument.
// Previews of links are off: Slack would fetch the address, and what a model was made to
// write into it would be told to whoever has the server there.
//
// # How fast
//
// Messages keep to one a second and channel, other methods to their published tiers. Who
// would have to wait too long is told to come back. A 429 holds its method back for as long
// as Slack says.
package slack
