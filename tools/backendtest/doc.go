// Package backendtest is what the tests of all backends have in common, whatever their family:
// how a suite calls a tool ([Try]), the list of faults that every backend of a vendor over HTTP is put through ([Faults]), what a
// backend costs beyond a bare client ([Overhead]), and the record of what a family's conformance suite held a backend to ([Record]), of which the table in
// tools/BACKENDS.md is made.
package backendtest
