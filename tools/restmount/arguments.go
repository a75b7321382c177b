package restmount

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"drawbridge/tools"
)

// agent is what we call ourselves.
const agent = "drawbridge"

// maxBody bounds what is sent, in bytes.
const maxBody = 8 << 20

// sending is a request that can be made more than once: behind a token that was refused.
type sending struct {
	with                   *credentials
	method, address, media string
	header                 http.Header
	body                   []byte
	hasBody                bool
}

func (s *sending) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if s.hasBody {
		body = bytes.NewReader(s.body)
	}
	request, err := http.NewRequestWithContext(ctx, s.method, s.address, body)
	if err != nil {
		return nil, err
	}
	request.Header = s.header.Clone()
	if s.hasBody {
		request.Header.Set("Content-Type", s.media)
	}
	return request, nil
}

// prepare writes a call's arguments into a request.
func (a *API) prepare(o *operation, arguments json.RawMessage) (*sending, error) {
	given, err := read(arguments)
	if err != nil {
		return nil, tools.Errorf(tools.Invalid, "arguments: want an object")
	}
	s := &sending{with: a.with.Load(), method: o.method, header: http.Header{}}
	s.header.Set("Accept", "application/json, text/*;q=0.8, */*;q=0.5")
	s.header.Set("User-Agent", agent)
	for name, value := range s.with.headers {
		s.header.Set(name, value)
	}
	path, err := a.place(o, given, s)
	if err != nil {
		return nil, err
	}
	if s.address, err = addressOf(o.base+path, s.address); err != nil {
		return nil, err
	}
	if o.body != nil {
		if err := a.writeBody(o.body, given, s); err != nil {
			return nil, err
		}
	}
	if len(s.body) > maxBody {
		return nil, tools.Errorf(tools.Invalid, "arguments: they are larger than %d MiB together", maxBody>>20)
	}
	return s, nil
}

// addressOf puts path and query together.
func addressOf(path, query string) (string, error) {
	mark := "?"
	if strings.Contains(path, "?") { // some documents have a part of the query there
		mark = "&"
	}
	if query != "" {
		path += mark + query
	}
	if _, err := url.Parse(path); err != nil {
		return "", tools.Errorf(tools.Invalid, "arguments: they make no address")
	}
	return path, nil
}

// read gives the arguments as they were written: numbers keep all of their digits.
func read(raw json.RawMessage) (map[string]any, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var given map[string]any
	if err := decoder.Decode(&given); err != nil {
		return nil, err
	}
	return given, nil
}

// place puts parameters where they go: into the path, which it gives back, the query, which
// is in s.address until there is an address, and the header.
func (a *API) place(o *operation, given map[string]any, s *sending) (string, error) {
	path, cookies := o.path, []string{}
	var queries []string
	for _, p := range o.parameters {
		value, has := p.valueOf(s.with, given)
		if !has {
			if p.Required {
				return "", tools.Errorf(tools.Invalid, "arguments: %q is missing", p.Argument)
			}
			continue
		}
		if err := p.write(value, &path, &queries, &cookies, s.header); err != nil {
			return "", tools.Errorf(tools.Invalid, "arguments: %q: %v", p.shown(), err)
		}
	}
	if stepsUp(path) > stepsUp(o.path) { // two arguments may have made one of it
		return "", tools.Errorf(tools.Invalid, "arguments: they lead to another address")
	}
	if len(cookies) > 0 {
		s.header.Set("Cookie", strings.Join(cookies, "; "))
	}
	s.address = strings.Join(queries, "&")
	return path, nil
}

// stepsUp counts the parts of a path that lead to another one, escaped or not.
func stepsUp(path string) (n int) {
	path, _, _ = strings.Cut(path, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		plain = path
	}
	for _, part := range strings.FieldsFunc(plain, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			n++
		}
	}
	return n
}

func (p parameter) shown() string {
	if p.Argument == "" {
		return p.Name
	}
	return p.Argument
}

// valueOf is what a parameter is: fixed, given, or its default. Null is not given.
func (p parameter) valueOf(with *credentials, given map[string]any) (any, bool) {
	if p.Argument == "" {
		value, ok := with.fixed[p.Name]
		return value, ok
	}
	if value := given[p.Argument]; value != nil {
		return value, true
	}
	return p.Default, p.Required && p.Default != nil
}

func (p parameter) write(value any, path *string, queries, cookies *[]string, header http.Header) error {
	if p.JSON {
		raw, err := json.Marshal(value)
		if err != nil {
			return err
		}
		value = string(raw)
	}
	switch p.In {
	case inPath:
		text, err := segment(p, value)
		if err != nil {
			return err
		}
		*path = strings.ReplaceAll(*path, "{"+p.Name+"}", text)
	case inQuery:
		all, err := pairs(p.Name, p.Style, p.Explode, value)
		if err != nil || len(all) == 0 {
			return err
		}
		keep := ""
		if p.Reserved {
			keep = reserved
		}
		*queries = append(*queries, query(all, keep))
	case inHeader:
		text, err := line(p, value)
		if err != nil {
			return err
		}
		if !headerValue(text) {
			return fmt.Errorf("it has a line break, which no header can carry")
		}
		header.Set(p.Name, text)
	case inCookie:
		all, err := pairs(p.Name, p.Style, p.Explode, value)
		if err != nil {
			return err
		}
		for _, one := range all {
			*cookies = append(*cookies, escape(one.name, "")+"="+escape(one.value, ""))
		}
	}
	return nil
}

// line is a header's value.
func line(p parameter, value any) (string, error) {
	list, members, err := parts(value)
	if err != nil || list == nil && members == nil {
		text, bad := scalar(value)
		if err == nil {
			err = bad
		}
		return text, err
	}
	if p.Explode && members != nil {
		for _, m := range members {
			list = append(list, m.name+"="+m.value)
		}
		return strings.Join(list, ","), nil
	}
	return strings.Join(flat(list, members), ","), nil
}

// writeBody writes a body. One that is not required and of which nothing is given is none.
func (a *API) writeBody(b *body, given map[string]any, s *sending) error {
	s.media = b.Media
	if b.Whole != "" {
		value, has := given[b.Whole]
		if !has || value == nil && b.As == asText {
			return nil
		}
		s.hasBody = true
		return s.writeWhole(b, value)
	}
	members := map[string]any{}
	for _, m := range b.Members {
		if m.Argument == "" {
			members[m.Name] = s.with.fixed[m.Name]
		} else if value, has := given[m.Argument]; has {
			members[m.Name] = value
		}
	}
	if len(members) == 0 && !b.Required && b.As != asForm { // an empty form is nothing as well, and says that it is a form
		return nil
	}
	s.hasBody = true
	var err error
	switch b.As {
	case asForm:
		err = s.writeForm(b, members)
	case asMultipart:
		err = s.writeMultipart(b, members)
	default:
		s.body, err = json.Marshal(members)
	}
	if err != nil {
		return tools.Errorf(tools.Invalid, "arguments: %v", err)
	}
	return nil
}

func (s *sending) writeWhole(b *body, value any) (err error) {
	if text, ok := value.(string); ok && b.As == asText {
		s.body = []byte(text)
		return nil
	}
	if s.body, err = json.Marshal(value); err != nil {
		return tools.Errorf(tools.Invalid, "arguments: %q cannot be written", b.Whole)
	}
	return nil
}

// formPairs are those of one member. Null is left out: a form has no word for it.
func (m member) formPairs(value any) ([]pair, error) {
	if value == nil {
		return nil, nil
	}
	switch v := value.(type) {
	case map[string]any:
		if m.JSON {
			text, err := scalar(v)
			return []pair{{m.Name, text}}, err
		}
	case []any:
		if len(v) == 0 && m.Style == styleDeepObject {
			return []pair{{m.Name, ""}}, nil // how a list is emptied
		}
	}
	return pairs(m.Name, m.Style, m.Explode, value)
}

func (s *sending) writeForm(b *body, members map[string]any) error {
	var all []pair
	for _, m := range b.Members {
		more, err := m.formPairs(members[m.Name])
		if err != nil {
			return fmt.Errorf("%q: %w", m.Name, err)
		}
		all = append(all, more...)
	}
	s.body = []byte(query(all, ""))
	return nil
}

func (s *sending) writeMultipart(b *body, members map[string]any) error {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for _, m := range b.Members {
		all, err := m.formPairs(members[m.Name])
		if err != nil {
			return fmt.Errorf("%q: %w", m.Name, err)
		}
		for _, one := range all {
			if err := w.WriteField(one.name, one.value); err != nil {
				return err
			}
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	s.body, s.media = out.Bytes(), w.FormDataContentType()
	return nil
}
