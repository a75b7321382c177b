// Package reading makes of a mail as it came over the wire what a person would read: the
// text, in UTF-8 whatever it was written in, who it is from and to, and what is attached.
//
// A mail is the work of an outsider, and any bytes at all may be one. [Parse] takes them
// all: what is not as the standards have it is read as far as it goes. What it looks at and
// what it gives are bounded (see the constants), and nothing in a mail makes it take more
// than a few passes over its bytes. A mail that was cut is read up to there.
package reading
