// Package timetable says when something is due: by a cron expression in a time zone,
// at an interval, or once.
//
// A [Plan] is arithmetic alone: it holds no clock and no state, and the same question
// has the same answer in every process. What a tick sets off is somebody else's.
//
// # Clocks that are moved
//
// A cron expression with fixed hours means times on the wall clock of its zone, and
// each of them is one tick: the first moment at which that clock shows it, or a later
// time (fixed.go). So a time that a clock change leaves out is due when the change has
// been made, and one that comes twice is due the first time. Several times that are
// left out together are one tick.
//
// An expression whose hour field begins with * is about time that passes, as an
// interval is: it is due at each moment at which the clock shows a fitting time
// (passing.go). Every quarter of an hour stays that, with an hour that comes twice and
// with one that is left out. This is how Vixie cron tells them apart, too.
//
// An interval counts from one moment for all, the beginning of 1970 in UTC: a restart
// does not move it, and all plans of one interval are due together.
package timetable
