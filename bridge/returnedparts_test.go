package bridge

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestDocumentIsCalledByTheEndOfItsURI(t *testing.T) {
	for uri, want := range map[string]string{
		"https://example.com/a/Invoice%207.pdf?sig=abc#p": "Invoice 7.pdf",
		"file:///tmp/REPORT.PDF":                          "REPORT.pdf",
		"drive://report":                                  "report.pdf",
		"x:1":                                             "1.pdf",
		"report.v2":                                       "report.v2.pdf",
		"":                                                "document.pdf",
		"https://example.com/":                            "document.pdf",
		"x:/%00%ff%0A.pdf":                                "document.pdf",
		"%zz/r\u202ep.pdf":                                "rp.pdf",
		"x:/" + strings.Repeat("é", 80):                   strings.Repeat("é", 50) + ".pdf",
	} {
		if got := documentName(uri); got != want {
			t.Errorf("%q is called %q, want %q", uri, got, want)
		}
	}
}

func TestDocumentMayHaveFiveMebibytes(t *testing.T) {
	for size, want := range map[int]bool{5 << 20: true, 5<<20 + 1: false} {
		file := append(append([]byte("%PDF-"), make([]byte, size-10)...), "%%EOF"...)
		if _, ok := document("x:1", base64.StdEncoding.EncodeToString(file)); ok != want {
			t.Errorf("of %d bytes: kept %v, want %v", size, ok, want)
		}
	}
}
