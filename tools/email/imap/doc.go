// Package imap reads a mailbox at a mail server (RFC 9051, and RFC 3501 before it): it
// searches and reads messages, finds the conversation that one belongs to, keeps copies of
// what was sent, and watches a folder for new mail.
//
// The walk of a call: [Backend.SearchMessages] and its like take a connection (tools/connpool) that
// is there or is made, encrypted (encrypt.go) and authenticated (conn.go), open the folder on it
// (session.go), ask (search.go, fetch.go, thread.go), and say what a failure means
// (judge.go). Package reading makes text of what comes back.
//
// Folders are opened to be read only, and bodies are asked for in a way that sets no mark:
// nothing here makes a message one that was read.
//
// An id names folder, UIDVALIDITY and UID of a message. It holds for as long as the server
// does not number its messages anew; once it has, that is said, and never another message
// shown.
//
// A mail server is somebody else's: what it sends for one question is bounded in bytes, in
// time (wire.go) and in depth (shallow.go), and what it says in its answers is believed in so
// far as it fits the question. The client of the protocol bounds nothing of that by itself.
package imap
