package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds the file, in bytes: what is larger is not a configuration, and
// not worth parsing to find out.
const maxFile = 1 << 20

// Find looks in dir for drawbridge.yaml, then drawbridge.yml.
func Find(dir string) (path string, ok bool) {
	for _, name := range []string{"drawbridge.yaml", "drawbridge.yml"} {
		path = filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, true
		}
	}
	return "", false
}

// Load reads the file at path and checks everything. An empty path means that
// there is no file: the defaults apply. lookup is [os.LookupEnv], or a stand-in.
//
// The error is [Problems], all that was found. Unless the file could not be read
// as YAML at all, the configuration comes with it, as far as it was understood:
// not to be started, but good for further checks.
func Load(path string, lookup func(name string) (string, bool)) (*Config, error) {
	return LoadFrom(path, Sources{Lookup: lookup})
}

// LoadFrom is [Load] with references to more than the environment.
func LoadFrom(path string, from Sources) (*Config, error) {
	if path == "" {
		return ParseFrom("", nil, from)
	}
	text, err := readFile(path)
	if err != nil {
		return nil, Problems{{File: path, Message: err.Error()}}
	}
	return ParseFrom(path, text, from)
}

// Again reads the text that c was read from once more, and its references anew. What
// has become of the file since does not count.
func (c *Config) Again(from Sources) (*Config, error) {
	if c.source == nil {
		return c, nil
	}
	return ParseFrom(c.source.file, []byte(strings.Join(c.source.lines, "\n")), from)
}

// Changed reports whether the file that c was read from now holds another text, or
// cannot be read.
func (c *Config) Changed() bool {
	if c.source == nil || c.source.file == "" {
		return false
	}
	text, err := readFile(c.source.file)
	return err != nil || plainText(text) != strings.Join(c.source.lines, "\n")
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err == nil {
		defer file.Close()
		var text []byte
		text, err = io.ReadAll(io.LimitReader(file, maxFile+1))
		if err == nil {
			return text, nil
		}
	}
	var cause *fs.PathError // its text repeats the path
	if errors.As(err, &cause) {
		err = cause.Err
	}
	return nil, fmt.Errorf("reading the configuration: %w", err)
}

// Parse is [Load] of a file that is in memory. name is what problems call it.
func Parse(name string, text []byte, lookup func(name string) (string, bool)) (*Config, error) {
	return ParseFrom(name, text, Sources{Lookup: lookup})
}

// ParseFrom is [LoadFrom] of a file that is in memory.
func ParseFrom(name string, text []byte, from Sources) (*Config, error) {
	c := Default()
	body, problems := parse(name, text)
	if len(problems) > 0 {
		return nil, problems
	}
	c.source = &source{file: name, lines: strings.Split(plainText(text), "\n"), marks: map[string]mark{}}
	d := decoder{source: c.source, from: from}
	d.document(body, c)
	c.source.warnings = d.warnings
	c.borrowKeys(from.Lookup)
	c.noteProxy(from.Lookup)
	c.dismissAssistant()
	c.fitStandIns()

	problems = d.problems
	for _, p := range c.check().errors {
		if d.meaningful(p.Path) {
			problems = append(problems, p)
		}
	}
	problems.sort()
	return c, problems.err()
}

// borrowKeys takes the key of OpenAI's models from the variable that OpenAI's own
// tools read, unless the file says something else. It goes to no other host: a key
// is for whom it was meant.
func (c *Config) borrowKeys(lookup func(name string) (string, bool)) {
	key, _ := lookup(OpenAIKeyVariable)
	if c.Model.Endpoint().isOpenAI() && !c.source.has("model.api_key") {
		c.Model.APIKey = Secret(key)
	}
	for name, model := range c.Models {
		if model.isOpenAI() && !c.source.has(child("models", name)+".api_key") {
			model.APIKey = Secret(key)
			c.Models[name] = model
		}
	}
}

// dismissAssistant takes the default agent away from a file with agents,
// webhooks or schedules of its own: an event from outside must never reach an agent that may
// call everything because nobody said otherwise.
func (c *Config) dismissAssistant() {
	if c.source.has("agents."+AssistantName) || len(c.Agents) == 1 && len(c.Webhooks)+len(c.Schedules) == 0 {
		return
	}
	delete(c.Agents, AssistantName)
}

// plainText is the file without a byte order mark and with one kind of line end
// (YAML 1.2.2, section 5.4).
func plainText(text []byte) string {
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text))
}

// parse reads YAML and gives the body of its one document, nil if it is empty.
func parse(name string, text []byte) (body ast.Node, problems Problems) {
	refuse := func(line, column int, format string, args ...any) (ast.Node, Problems) {
		return nil, Problems{{File: name, Line: line, Column: column, Message: fmt.Sprintf(format, args...)}}
	}
	if len(text) > maxFile {
		return refuse(0, 0, "the file is larger than %s, which no configuration is", Size(maxFile))
	}
	if at := firstUnreadable(text); at >= 0 {
		line, column := placeOf(text, at)
		return refuse(line, column, "the file is not text: want UTF-8 without control characters")
	}
	// The parser is not ours: a file it trips over is a bad file all the same, and
	// deserves a report and not a stack.
	defer func() {
		if broken := recover(); broken != nil {
			body, problems = refuse(0, 0, "the YAML is too broken to say where")
		}
	}()
	file, err := parser.ParseBytes([]byte(hide(plainText(text))), 0, parser.AllowDuplicateMapKey())
	var syntax yaml.Error
	switch {
	case errors.As(err, &syntax):
		// Only the message: the error's own text quotes the lines around it, which
		// may hold a secret.
		at := position(syntax.GetToken())
		return refuse(at.line, at.column, "not YAML: %s", unhide(syntax.GetMessage()))
	case err != nil:
		return refuse(0, 0, "not YAML")
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		at := start(doc.Body)
		if _, directive := doc.Body.(*ast.DirectiveNode); directive {
			return refuse(at.line, at.column, "YAML directives are not supported: remove the line")
		}
		if body != nil {
			return refuse(at.line, at.column, "a second document begins here: want all settings in one, without ---")
		}
		body = doc.Body
	}
	return body, nil
}

// firstUnreadable is the index of the first byte that is no text, -1 if all is.
// The characters that [hide] borrows are none either.
func firstUnreadable(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		control := r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7F
		if control || r == utf8.RuneError && size == 1 || isHidden(r) {
			return at
		}
		at += size
	}
	return -1
}

// placeOf is where the byte at index at is.
func placeOf(text []byte, at int) (line, column int) {
	before := text[:at]
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}
