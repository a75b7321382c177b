package imap_test

import (
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

// FuzzAnswers: whatever a server says to a search or to a request for messages, the call
// ends, and with an error that is told as the server's.
func FuzzAnswers(f *testing.F) {
	for _, fault := range faults {
		f.Add(fault.answer + fault.endless)
	}
	f.Add("* SEARCH 1\r\nTAG OK\r\n* 1 FETCH (UID 1 FLAGS (\\Seen) INTERNALDATE \" 2-Mar-2026 09:30:00 +0000\" RFC822.SIZE 5 BODY[HEADER]<0> {2}\r\n\r\n BODY[TEXT]<0> \"a\")\r\nTAG OK done\r\n")
	f.Add("* ESEARCH (TAG \"T3\") UID ALL 1:4294967295\r\n* THREAD (1 (2)(3))\r\n* 1 FETCH (BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1))\r\n* VANISHED 1\r\n")
	f.Fuzz(func(t *testing.T, said string) {
		for _, verb := range []string{"SEARCH", "FETCH"} {
			server := newFake(lateOrder)
			server.caps += " ESEARCH THREAD=REFERENCES"
			server.does(func(_ int, asked, _ string) (string, string) {
				if asked == verb {
					return said + cut, ""
				}
				return "", ""
			})
			b := server.over(t, nil)
			if _, err := b.SearchMessages(t.Context(), email.Filter{}); tools.CodeOf(err) == tools.Internal && err != nil {
				t.Errorf("after %q to %s the search gives %v", said, verb, err)
			}
			if _, err := b.GetMessage(t.Context(), "imap:INBOX:7:1"); tools.CodeOf(err) == tools.Internal && err != nil {
				t.Errorf("after %q to %s reading gives %v", said, verb, err)
			}
			b.Close()
		}
	})
}
