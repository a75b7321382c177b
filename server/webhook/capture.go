package webhook

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"path"
	"strconv"
	"strings"
)

// Capture is a request that somebody wrote down, byte by byte.
type Capture struct {
	Method string
	Target string // path and query, as they were sent
	Header http.Header
	Body   []byte
	// Notes are what is odd about it, and may be why it does not verify.
	Notes []string
	// Cut: the body is not as long as the headers say, so it is not the one that was
	// sent.
	Cut bool
}

// ReadCapture reads a request line, headers, a blank line and the bytes of the body.
// The head's lines may end in CRLF or in LF, as editors leave them; of the body every
// byte counts.
func ReadCapture(raw []byte) (Capture, error) {
	c := Capture{Header: http.Header{}}
	line, rest, more := nextLine(raw)
	if err := c.requestLine(line); err != nil {
		return Capture{}, err
	}
	for n := 2; more; n++ {
		if line, rest, more = nextLine(rest); line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) {
			return Capture{}, fmt.Errorf("line %d is no header, and the blank line before the body has not come yet", n)
		}
		c.Header.Add(name, strings.Trim(value, " \t"))
	}
	c.Body = rest
	c.unchunk()
	c.measure()
	return c, nil
}

// nextLine cuts a line off.
func nextLine(raw []byte) (line string, rest []byte, more bool) {
	first, rest, more := bytes.Cut(raw, []byte("\n"))
	return string(bytes.TrimSuffix(first, []byte("\r"))), rest, more
}

// requestLine reads "POST /path HTTP/1.1". A target with a host in it is what a proxy
// is sent (RFC 9112, section 3.2.2): its path and query count.
func (c *Capture) requestLine(line string) error {
	fields := strings.Fields(line)
	if len(fields) < 2 || len(fields) > 3 || !isToken(fields[0]) || len(fields) == 3 && !strings.HasPrefix(fields[2], "HTTP/") {
		return fmt.Errorf("the first line is no request line, such as: POST /webhooks/shop HTTP/1.1")
	}
	c.Method, c.Target = fields[0], fields[1]
	if _, after, ok := strings.Cut(c.Target, "://"); ok && c.Target[0] != '/' {
		at := strings.IndexByte(after, '/')
		if at < 0 {
			after, at = after+"/", len(after)
		}
		c.Target = after[at:]
	}
	if !strings.HasPrefix(c.Target, "/") {
		return fmt.Errorf("the request line names no path that begins with /")
	}
	return nil
}

// isToken reports whether text is a name in HTTP (RFC 9110, section 5.6.2).
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}

// unchunk takes a body out of its chunks, if it was written down with them.
func (c *Capture) unchunk() {
	if !strings.EqualFold(c.Header.Get("Transfer-Encoding"), "chunked") {
		return
	}
	source := bytes.NewReader(c.Body)
	body, err := io.ReadAll(httputil.NewChunkedReader(source))
	if trailer := bytes.TrimRight(c.Body[len(c.Body)-source.Len():], "\r\n"); err != nil || len(trailer) > 0 {
		c.Notes = append(c.Notes, "the body was sent in chunks, and is taken as it was written down, without them")
		return
	}
	c.Body = body
	c.Notes = append(c.Notes, "the body was written down in chunks, and is taken out of them")
}

// measure holds the body to its length, if the headers say it.
func (c *Capture) measure() {
	said := c.Header.Get("Content-Length")
	if said == "" {
		return
	}
	n, err := strconv.ParseUint(said, 10, 63)
	switch have := uint64(len(c.Body)); {
	case err != nil:
		c.Notes = append(c.Notes, "Content-Length is no number, and is left aside")
	case have == n+1 && c.Body[n] == '\n', have == n+2 && string(c.Body[n:]) == "\r\n":
		c.Cut = true
		c.Notes = append(c.Notes, fmt.Sprintf("Content-Length says %d bytes, and the body has %d: it ends in a line end that an editor may have added", n, have))
	case have != n:
		c.Cut = true
		c.Notes = append(c.Notes, fmt.Sprintf("Content-Length says %d bytes, and the body has %d: it is not the one that was sent", n, have))
	}
}

// Token is the part of the path behind the source's name, where senders show a
// secret that cannot sign. Of a path of another form it is the last part.
func (c Capture) Token() string {
	requested, _, _ := strings.Cut(c.Target, "?")
	clean := path.Clean(requested)
	if _, rest, ok := strings.Cut(clean, Prefix); ok {
		_, token, _ := strings.Cut(rest, "/")
		return token
	}
	return path.Base(clean)
}
