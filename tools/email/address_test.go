package email

import (
	"net/mail"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/tools"
)

func TestAddressIsRead(t *testing.T) {
	tests := map[string]mail.Address{
		"ada@example.com":                                 {Address: "ada@example.com"},
		"  ada@example.com ":                              {Address: "ada@example.com"},
		"<ada@example.com>":                               {Address: "ada@example.com"},
		"Ada Lovelace <ada@example.com>":                  {Name: "Ada Lovelace", Address: "ada@example.com"},
		"Zoë Kowalska <zoe@example.com>":                  {Name: "Zoë Kowalska", Address: "zoe@example.com"},
		`"Lovelace, Ada: \"Countess\"" <ada@example.com>`: {Name: `Lovelace, Ada: "Countess"`, Address: "ada@example.com"},
		"=?utf-8?q?Zo=C3=AB?= <zoe@example.com>":          {Name: "Zoë", Address: "zoe@example.com"},
		"o'brien+news@mail.example.co.uk":                 {Address: "o'brien+news@mail.example.co.uk"},
		"ada@xn--exmple-cua.com":                          {Address: "ada@xn--exmple-cua.com"},
	}
	for text, want := range tests {
		got, err := ParseAddress("to[0]", text)
		if err != nil || got != want {
			t.Errorf("ParseAddress(%q) = %#v, %v, want %#v", text, got, err, want)
		}
	}
}

func TestBadAddressIsRefusedWithAReason(t *testing.T) {
	long := strings.Repeat("a", 65)
	tests := map[string]string{
		"":                                 "is not an address",
		"ada":                              "write it as name@example.com",
		"ada@":                             `"ada@" is not an address`,
		"ada@localhost":                    "not an address that mail can be sent to",
		"ada@example..com":                 "is not an address",
		"ada@-example.com":                 "not an address that mail can be sent to",
		"ada@[192.0.2.1]":                  "not an address that mail can be sent to",
		`"ada l"@example.com`:              "not an address that mail can be sent to",
		"ada@example.com, bob@example.com": "is not an address",
		"team: ada@example.com;":           "groups",
		"team: Ada <ada@example.com>;":     "groups",
		"team: ada@example.com, bob@example.com;": "group",
		"team:;":                                        "group",
		"ada@example.com (Ada)":                         "comments",
		"zoë@example.com":                               "SMTPUTF8",
		"ada@exämple.com":                               "xn--",
		long + "@example.com":                           "longer than 254 characters, or than 64",
		"a@" + long + ".com":                            "part of the domain",
		"a@" + strings.Repeat("abcdefgh.", 30):          "is not an address",
		"a@" + strings.Repeat("abc.", 70) + "com":       "longer than 254",
		strings.Repeat("n", 129) + " <a@example.com>":   "display name is longer than 128",
		"Ada\r\nBcc: x@example.com <ada@example.com>":   "line break",
		"Ada\x00 <ada@example.com>":                     "control character",
		"Ada\xff <ada@example.com>":                     "UTF-8",
		"=?utf-8?q?a=0D=0AX=3A_y?= <ada@example.com>":   "line break",
		`"=?utf-8?q?a=0D=0AX=3A_y?=" <ada@example.com>`: "encoded word",
		"=?koi8-r?q?=C1?= <ada@example.com>":            "is not an address",
		"Ada <ada@example.com> <evil@example.com>":      "is not an address",
		"ada@example.com\nBcc: x@example.com":           "line break",
		"Ada <ada@example.com>\t; Bcc: x@example.com;":  "control character",
	}
	for text, words := range tests {
		_, err := ParseAddress("to[1]", text)
		if tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), "to[1]: ") || !strings.Contains(err.Error(), words) {
			t.Errorf("ParseAddress(%q) gives %v, want invalid, naming to[1] and saying %q", text, err, words)
		}
	}
}

func TestFormattedAddressReadsBack(t *testing.T) {
	named := func(name string) mail.Address {
		return mail.Address{Name: strings.TrimSpace(name), Address: "ada@example.com"}
	}
	names := rapid.String().Filter(func(name string) bool { return checkAddress("to", named(name)) == nil })
	rapid.Check(t, func(t *rapid.T) {
		want := named(names.Draw(t, "name"))
		if got, err := ParseAddress("to", FormatAddress(want)); err != nil || got != want {
			t.Fatalf("%q reads back as %#v, %v", FormatAddress(want), got, err)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"ada@example.com", "Zoë <zoe@example.com>", "g: a@b.c;", `"a\"b" <a@b.cd>`, "=?utf-8?b?QQ==?= <a@b.cd>", "a@b.c (x)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress("to", text)
		if err != nil {
			if tools.CodeOf(err) != tools.Invalid {
				t.Fatalf("refused with %v, want invalid", err)
			}
			return
		}
		if !strings.Contains(text, a.Address) {
			t.Fatalf("%q gives address %q, which is not in it", text, a.Address)
		}
		if again, err := ParseAddress("to", FormatAddress(a)); err != nil || again != a {
			t.Fatalf("%#v reads back as %#v, %v", a, again, err)
		}
	})
}
