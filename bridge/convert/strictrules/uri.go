package strictrules

import "strings"

// isReference tells whether s is a URI reference (RFC 3986, section 4.1), as
// $id and $ref must be: a URI, or a relative path, query or fragment. net/url is
// kinder: it takes spaces and angle brackets.
func isReference(s string) bool {
	before, frag, _ := strings.Cut(s, "#")
	if !onlyURI(before, "[]") || !onlyURI(frag, "") {
		return false
	}
	segment := before
	if i := strings.IndexAny(before, "/?"); i >= 0 {
		segment = before[:i]
	}
	// A colon in the first segment makes what stands before it a scheme.
	if strings.Contains(segment, ":") && !hasScheme(s) {
		return false
	}
	return bracketsInHost(before)
}

// hasScheme tells whether s begins as an absolute URI does.
func hasScheme(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case isLetter(c):
		case i > 0 && (isDigit(c) || strings.IndexByte("+-.", c) >= 0):
		default:
			return i > 0 && c == ':'
		}
	}
	return false
}

// fragment is what follows the first #, with it.
func fragment(s string) string {
	if i := strings.IndexByte(s, '#'); i >= 0 {
		return s[i:]
	}
	return ""
}

// onlyURI tells whether s has only the characters of a URI, other than those that
// must be allowed, and whole percent escapes.
func onlyURI(s, more string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
		case isLetter(c), isDigit(c), strings.IndexByte("-._~!$&'()*+,;=:@/?", c) >= 0, strings.IndexByte(more, c) >= 0:
		default:
			return false
		}
	}
	return true
}

// bracketsInHost tells whether brackets stand only around an IP address.
func bracketsInHost(s string) bool {
	if !strings.ContainsAny(s, "[]") {
		return true
	}
	_, rest, ok := strings.Cut(s, "//")
	if !ok {
		return false
	}
	host, tail := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, tail = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	return strings.HasPrefix(host, "[") && strings.Count(host, "[") == 1 && strings.Count(host, "]") == 1 && !strings.ContainsAny(tail, "[]")
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isOctal(c byte) bool  { return '0' <= c && c <= '7' }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
