// Package notify is the family that tells colleagues something where they read anyway: in
// a channel of the company's chat, under a message that is there, or to one person.
//
// [Notify] is the portable face: it checks what a model wrote, fills in what it left out
// and maps errors, once for every backend. A backend fulfils [Driver], and [Threads] if it
// can read what people answered. [Tools] offers what the backend does.
//
// # What leaves the company
//
// A message to colleagues changes the company's own records and is a write. The same chat
// may hold channels that are shared with other companies, and guests. Which of the two a
// message is cannot be told from its arguments, and a tool has one effect. So the settings
// say it: a backend that reaches colleagues alone looks at each channel and each person
// before it posts, and refuses those of outside; its tools are writes. One that may reach
// outsiders says so ([Traits.Outside]), and all of its tools that post are messages.
//
// # What a model may write
//
// Text is shown as text, with the simple marks of the chat (bold, code, lists). Whatever
// else the chat would take for a command, such as a mention of everybody, is taken for
// text by every backend. Who is to be called by name stands in an argument of its own.
package notify
