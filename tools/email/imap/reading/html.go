package reading

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxTag bounds what one tag or text of HTML may hold, in bytes.
const maxTag = 1 << 20

// skipped are the elements whose content nobody sees.
var skipped = []atom.Atom{atom.Script, atom.Style, atom.Head, atom.Title, atom.Template, atom.Noscript, atom.Object, atom.Svg, atom.Select, atom.Textarea, atom.Iframe}

// blocks begin and end a line, paragraphs leave one free.
var (
	blocks = []atom.Atom{atom.Div, atom.Tr, atom.Li, atom.Table, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Ul, atom.Ol, atom.Dt, atom.Dd, atom.Form,
		atom.Pre, atom.Hr, atom.Center, atom.Tbody, atom.Thead, atom.Body, atom.Html}
	paragraphs = []atom.Atom{atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote}
	// alone have no end.
	alone = []atom.Atom{atom.Br, atom.Img, atom.Hr, atom.Input, atom.Meta, atom.Link, atom.Area, atom.Base, atom.Col, atom.Wbr, atom.Source, atom.Embed}
)

// htmlText is what a person sees of HTML, as text: without what is hidden, with where
// links lead. Reading ends when there is enough.
func htmlText(source string, enough int) (text string, cut bool) {
	z := html.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(maxTag)
	p := &page{}
	for p.out.Len() < enough {
		switch z.Next() {
		case html.ErrorToken:
			return p.text(), false
		case html.TextToken:
			if p.hidden == "" {
				p.write(string(z.Text()))
			}
		case html.StartTagToken:
			p.begin(z, false)
		case html.SelfClosingTagToken:
			p.begin(z, true)
		case html.EndTagToken:
			name, _ := z.TagName()
			p.end(string(name))
		}
	}
	return p.text(), true
}

// page is the text of a page as far as it was read.
type page struct {
	out bytes.Buffer
	// breaks are the line ends that come before the next word; space: a space does.
	breaks int
	space  bool
	// hidden is the element within which nothing is seen, and depth how many of its name
	// are open.
	hidden string
	depth  int
	link   string
	linked int // where its text begins
}

func (p *page) write(text string) {
	if text == "" {
		return
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		p.space = true
		return
	}
	if strings.TrimLeft(text, " \t\r\n\u00a0") != text {
		p.space = true
	}
	for i, word := range words {
		if i > 0 {
			p.space = true
		}
		p.flush()
		p.out.WriteString(word)
	}
	p.space = strings.TrimRight(text, " \t\r\n\u00a0") != text
}

// flush writes what stands between the last word and the next.
func (p *page) flush() {
	switch {
	case p.out.Len() == 0:
	case p.breaks > 0:
		p.out.WriteString("\n\n"[:min(p.breaks, 2)])
	case p.space:
		p.out.WriteByte(' ')
	}
	p.breaks, p.space = 0, false
}

func (p *page) begin(z *html.Tokenizer, closed bool) {
	raw, more := z.TagName()
	name := string(raw)
	tag := atom.Lookup(raw)
	closed = closed || slices.Contains(alone, tag)
	if p.hidden != "" {
		if name == p.hidden && !closed {
			p.depth++
		}
		return
	}
	href, invisible := attributes(z, more)
	if slices.Contains(skipped, tag) || invisible {
		if !closed {
			p.hidden, p.depth = name, 1
		}
		return
	}
	p.line(tag)
	switch tag {
	case atom.Li:
		p.flush()
		p.out.WriteString("- ")
	case atom.Td, atom.Th:
		p.space = true
	case atom.A:
		p.link, p.linked = href, p.out.Len()
	}
}

func (p *page) end(name string) {
	if p.hidden != "" {
		if name == p.hidden {
			if p.depth--; p.depth == 0 {
				p.hidden = ""
			}
		}
		return
	}
	tag := atom.Lookup([]byte(name))
	if tag == atom.A && p.link != "" {
		shown := strings.TrimSpace(string(p.out.Bytes()[min(p.linked, p.out.Len()):]))
		if !strings.Contains(p.link, shown) || shown == "" {
			p.out.WriteString(" (" + p.link + ")")
		}
		p.link = ""
	}
	p.line(tag)
}

func (p *page) line(tag atom.Atom) {
	switch {
	case tag == atom.Br:
		p.breaks++
	case slices.Contains(paragraphs, tag):
		p.breaks = max(p.breaks, 2)
	case slices.Contains(blocks, tag):
		p.breaks = max(p.breaks, 1)
	}
}

func (p *page) text() string { return strings.TrimSpace(p.out.String()) }

// maxLink bounds the address of a link that is shown, in bytes: those that count clicks
// are long and say nothing.
const maxLink = 300

// attributes are where a tag leads, and whether what is in it is hidden.
func attributes(z *html.Tokenizer, more bool) (href string, hidden bool) {
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch text := string(value); string(key) {
		case "href":
			if text = oneLine(text); len(text) <= maxLink && (strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "mailto:")) {
				href = text
			}
		case "hidden":
			hidden = true
		case "style":
			style := strings.ToLower(strings.Join(strings.Fields(text), ""))
			hidden = hidden || strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") || strings.Contains(style, "font-size:0") && !strings.Contains(style, "font-size:0.")
		}
	}
	return href, hidden
}
