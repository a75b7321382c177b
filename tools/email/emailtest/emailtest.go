// Package emailtest is the conformance suite of mail backends. A backend passes
// it by calling [Run] from a test of its own, with a [Harness] for a fresh
// backend. The suite acts at the door: it calls the tools by name, with JSON,
// and holds every answer against the tool's schema.
package emailtest

import (
	"testing"
	"time"

	"drawbridge/tools/backendtest"
	"drawbridge/tools/email"
)

// Harness is a fresh backend, and what the suite needs beside its interfaces.
// A func of a part that the driver does not fulfil may be nil.
type Harness struct {
	Driver email.Sender
	// From is the bare address of the sender.
	From string
	// Delivery is the email.Receipt.Delivery of what it sends.
	Delivery string
	// Wire reads a message that was sent or scheduled as a mail server gets it.
	Wire func(t *testing.T, id string) email.Wire

	// For email.Scheduler and email.Mailbox: Now reads the backend's clock;
	// Advance moves it on, and has the backend send what became due. No real
	// time passes.
	Now     func() time.Time
	Advance func(t *testing.T, by time.Duration)

	// For email.Templates: AddTemplate makes a template, or replaces it.
	AddTemplate func(t *testing.T, template email.Template)

	// Kept is how large a message that was sent is where it is kept, in bytes; nil where
	// that is as on the wire.
	Kept func(t *testing.T, id string) int
	// For email.Mailbox: Receive makes a message from outside.
	Receive func(t *testing.T, m email.Mail, s email.Stamp) (id string)
}

// Run tests a backend. open is called for each test and makes a new, empty
// backend; it cleans up after itself with t.Cleanup. The record is for the test of
// the backend to keep.
func Run(t *testing.T, open func(t *testing.T) Harness) *backendtest.Record {
	driver := open(t).Driver
	record := backendtest.NewRecord(t, "email", driver, email.Tools(email.New(driver)))
	for _, test := range testsOf(driver) {
		record.Case(t, test.name, func(t *testing.T) { test.run(newDoor(t, open(t), record)) })
	}
	return record
}

type test struct {
	name string
	run  func(d *door)
}

// testsOf is what a driver has to pass: the tests of each part that it fulfils.
func testsOf(driver email.Sender) []test {
	_, drafts := driver.(email.Drafts)
	_, schedules := driver.(email.Scheduler)
	_, templates := driver.(email.Templates)
	_, mailbox := driver.(email.Mailbox)
	once := driver.Idempotent()
	var tests []test
	for _, part := range []struct {
		has   bool
		tests []test
	}{
		{true, sendTests},
		{drafts, draftTests},
		{schedules, scheduleTests},
		{templates, templateTests},
		{mailbox, mailboxTests},
		{once, onceTests},
		{once && schedules, onceScheduleTests},
		{once && mailbox, onceMailboxTests},
	} {
		if part.has {
			tests = append(tests, part.tests...)
		}
	}
	return tests
}
