package imap_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

const lateOrder = "From: Ada <ada@example.com>\r\nTo: orders@example.org\r\nSubject: Late\r\nMessage-ID: <late@example.com>\r\n\r\nWhere is my order?\r\n"

// fault is what a server does, once, in place of the usual answer.
type fault struct {
	name            string
	verb            string
	answer, endless string
	says            string // in what is told
}

const unasked = "the mail server's answer is larger"

var faults = []fault{
	{"says nothing at all", "GREETING", silence, "", "did not answer in time"},
	{"ends the connection at once", "GREETING", cut, "", "ended the connection"},
	{"greets without end", "GREETING", "* OK ", strings.Repeat("a", 4096), unasked},
	{"greets with something else", "GREETING", "220 smtp.example.com ESMTP\r\n", "", "not as the protocol has it"},
	{"is shutting down", "GREETING", "* BYE too many connections\r\n" + cut, "", "BYE too many connections"},
	{"does not say what it can do", "CAPABILITY", silence, "", "cannot be logged in to for now"},
	{"is silent about the login", "AUTHENTICATE", silence, "", "cannot be logged in to for now"},
	{"ends the connection at the login", "AUTHENTICATE", cut, "", "cannot be logged in to for now"},
	{"asks for ever at the login", "AUTHENTICATE", "", "+ AAAA\r\n", "cannot be logged in to for now"},
	{"cannot look the password up now", "AUTHENTICATE", "TAG NO [UNAVAILABLE] first-secret\r\n", "", "cannot be logged in to for now"},
	{"is silent about the folder", "EXAMINE", silence, "", "did not answer in time"},
	{"has no lasting numbers", "EXAMINE", "* 1 EXISTS\r\nTAG OK done\r\n", "", "UIDVALIDITY"},
	{"has no such folder", "EXAMINE", "TAG NO [NONEXISTENT] gone\r\n", "", "there is no folder"},
	{"shuts down at the folder", "EXAMINE", "* BYE shutting down\r\n" + cut, "", "ended the connection"},
	{"is silent about a search", "SEARCH", silence, "", "did not answer in time"},
	{"is cut in a search", "SEARCH", "* SEARCH 1 2" + cut, "", "ended the connection"},
	{"finds without end", "SEARCH", "* SEARCH", strings.Repeat(" 1 3", 1024), unasked},
	{"finds what is no number", "SEARCH", "* SEARCH one\r\nTAG OK done\r\n", "", "not as the protocol has it"},
	{"finds a number that is too large", "SEARCH", "* SEARCH 99999999999\r\nTAG OK done\r\n", "", "not as the protocol has it"},
	{"answers another question", "SEARCH", "X99 OK done\r\n", "", "not as the protocol has it"},
	{"asks to go on where nothing does", "SEARCH", "+ go on\r\n", "", "not as the protocol has it"},
	{"tells of others for ever", "SEARCH", "", "* 5 EXISTS\r\n", unasked},
	{"says no to a search", "SEARCH", "TAG NO [SERVERBUG] broken\r\n", "", "saying \"NO broken\""},
	{"does not know a charset", "SEARCH", "TAG NO [BADCHARSET (US-ASCII)] no\r\n", "", "ASCII"},
	{"is silent about a message", "FETCH", silence, "", "did not answer in time"},
	{"is cut in a message", "FETCH", "* 1 FETCH (UID 1 BODY[HEADER]<0> {1000}\r\nFrom: " + cut, "", "ended the connection"},
	{"gives a message without end", "FETCH", "* 1 FETCH (UID 1 BODY[HEADER]<0> {99999999999}\r\n", strings.Repeat("a", 4096), unasked},
	{"gives a name without end", "FETCH", `* LIST () "/" {99999999999}` + "\r\n", strings.Repeat("a", 4096), unasked},
	{"gives quotes without end", "FETCH", `* 1 FETCH (UID 1 BODY[HEADER]<0> "`, strings.Repeat("a", 4096), unasked},
	{"gives a literal of no size", "FETCH", "* 1 FETCH (UID 1 BODY[HEADER]<0> {-5}\r\n", "", "not as the protocol has it"},
	{"gives a time that is none", "FETCH", "* 1 FETCH (UID 1 INTERNALDATE \"yesterday\")\r\nTAG OK done\r\n", "", "not as the protocol has it"},
	{"gives structures within structures without end", "FETCH", "* 1 FETCH (UID 1 BODYSTRUCTURE ", strings.Repeat("(", 4096), "deeper than any answer"},
	{"hides them behind quotes that go on in the next line", "FETCH", "* 1 FETCH (UID 1 ENVELOPE (\"\n\" ", strings.Repeat("(", 4096), "within quotes"},
	{"hides them behind a literal with a space at its size", "FETCH", "* 1 FETCH (UID 1 BODYSTRUCTURE ({5} \r\n* OK ", strings.Repeat("(", 4096), "deeper than any answer"},
	{"answers in words that are not the protocol's", "FETCH", "<html>\r\n", "", "not as the protocol has it"},
	{"does not know the command", "FETCH", "TAG BAD what?\r\n", "", "BAD what?"},
}

// TestHostileServerCostsABoundedTime: whatever a server does, a call ends with an error that
// says so, and the next one is served.
func TestHostileServerCostsABoundedTime(t *testing.T) {
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(lateOrder)
				f.does(func(conn int, verb, _ string) (string, string) {
					if conn == 1 && verb == fault.verb {
						return fault.answer, fault.endless
					}
					return "", ""
				})
				b := f.over(t, nil)
				began := time.Now()
				_, err := b.SearchMessages(t.Context(), email.Filter{})
				if err == nil || !strings.Contains(err.Error(), fault.says) || strings.Contains(err.Error(), "first-secret") {
					t.Errorf("the search gives %v, want an error that says %q", err, fault.says)
				}
				if took := time.Since(began); took > 3*time.Minute {
					t.Errorf("it took %v", took)
				}
				if tools.CodeOf(err) == tools.Internal {
					t.Errorf("%v is an internal error", err)
				}
				f.does(nil)
				list, err := b.SearchMessages(t.Context(), email.Filter{})
				if err != nil || len(list.Messages) != 1 || list.Messages[0].Subject != "Late" {
					t.Errorf("the next search gives %+v, %v; want the mail", list, err)
				}
			})
		})
	}
}

func TestHostileServerCostsABoundedTimeWhileAMailIsRead(t *testing.T) {
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(lateOrder)
				b := f.over(t, nil)
				list, err := b.SearchMessages(t.Context(), email.Filter{})
				if err != nil {
					t.Fatal(err)
				}
				// Each connection but the one that waits: what is asked there is asked again.
				f.does(func(conn int, verb, _ string) (string, string) {
					if verb == fault.verb {
						return fault.answer, fault.endless
					}
					return "", ""
				})
				began := time.Now()
				_, err = b.GetMessage(t.Context(), list.Messages[0].ID)
				if took := time.Since(began); took > 4*time.Minute {
					t.Errorf("it took %v", took)
				}
				// What is never asked on a connection that is there cannot go wrong.
				if asked := fault.verb == "SEARCH" || fault.verb == "FETCH"; asked != (err != nil) {
					t.Errorf("reading gives %v", err)
				}
				if err != nil && tools.CodeOf(err) == tools.Internal {
					t.Errorf("%v is an internal error", err)
				}
			})
		})
	}
}

func TestCallThatEndsEndsItsExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(lateOrder)
		f.does(func(_ int, verb, _ string) (string, string) {
			if verb == "SEARCH" {
				return silence, ""
			}
			return "", ""
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, err := f.over(t, nil).SearchMessages(ctx, email.Filter{})
		if tools.CodeOf(err) != tools.Unavailable || time.Since(began) > 4*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
