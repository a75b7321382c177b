package bridge

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"drawbridge/bridge/openai"
)

// Bounds of the images and documents that are kept of one result, for a model that can
// be shown them: what is more is named in words only. OpenAI takes up to 50 MB a request.
const (
	mostParts     = 8
	mostPartBytes = 5 << 20 // of one, decoded
)

// textPart, imagePart and filePart are content parts of the chat API ("Create chat completion",
// messages[].content[]).
type textPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type imagePart struct {
	Type  string `json:"type"`
	Image struct {
		URL    string `json:"url"`
		Detail string `json:"detail"`
	} `json:"image_url"`
}

type filePart struct {
	Type string `json:"type"`
	File struct {
		Name string `json:"filename"`
		Data string `json:"file_data"`
	} `json:"file"`
}

// image makes a content part of an image's base64, if it is one that models take.
// Its bytes say what it is, not its server: one image of another kind fails the
// whole request, and every later one of the run.
func image(data string) (part json.RawMessage, ok bool) {
	decoded, ok := decode(data)
	if !ok {
		return nil, false
	}
	kind := http.DetectContentType(decoded)
	switch kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
	default:
		return nil, false
	}
	p := imagePart{Type: "image_url"}
	p.Image.URL = "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(decoded)
	p.Image.Detail = "auto"
	return encode(p), true
}

// document makes a content part of a file's base64, if it is a PDF: the chat API takes
// no other files (OpenAI, guide "File inputs"). Like an image, one that is not what it
// says would fail every request from then on, so that one that is cut off, or locked
// with a password, is none.
func document(uri, data string) (part json.RawMessage, ok bool) {
	decoded, ok := decode(data)
	if !ok || !bytes.HasPrefix(decoded, []byte("%PDF-")) {
		return nil, false
	}
	// ISO 32000-1, 7.5.5: where the end has to be found, and what says that it is locked.
	end := decoded[max(0, len(decoded)-1024):]
	if !bytes.Contains(end, []byte("%%EOF")) || bytes.Contains(decoded, []byte("/Encrypt")) {
		return nil, false
	}
	p := filePart{Type: "file"}
	p.File.Name = documentName(uri)
	p.File.Data = "data:application/pdf;base64," + base64.StdEncoding.EncodeToString(decoded)
	return encode(p), true
}

// documentName is what a document is called to the model: the last part of its URI.
func documentName(uri string) string {
	const most = 100 // bytes
	name := uri
	if u, err := url.Parse(uri); err == nil {
		name = cmp.Or(u.Path, u.Opaque, u.Host)
	}
	name = strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) && r != utf8.RuneError {
			return r
		}
		return -1
	}, path.Base(name))
	if strings.EqualFold(path.Ext(name), ".pdf") {
		name = name[:len(name)-len(".pdf")]
	}
	name = strings.Trim(name, "./ ")
	return cmp.Or(name[:boundary(name, min(len(name), most))], "document") + ".pdf"
}

// decode gives the bytes of a part, unless they are too many.
func decode(data string) ([]byte, bool) {
	if len(data) > 2*mostPartBytes { // whatever line breaks it has
		return nil, false
	}
	decoded, err := base64.StdEncoding.DecodeString(data)
	return decoded, err == nil && len(decoded) <= mostPartBytes
}

// shows reports whether the model can be shown parts of a kind.
func (b *Brief) shows(kind string) bool {
	if kind == "file" {
		return b.Files
	}
	return b.Images
}

// parts is the message that shows the images and documents of a turn's results. The
// chat API takes them from users only, so they follow the results as a message of
// their own.
func (h *history) parts(t *turn) (openai.Message, bool) {
	if t.folded {
		return openai.Message{}, false
	}
	say := func(format string, args ...any) json.RawMessage {
		return encode(textPart{"text", fmt.Sprintf(format, args...)})
	}
	parts := []json.RawMessage{say("%sWhat the calls above returned besides text.", fromRuntime)}
	for _, c := range t.calls {
		if c.result == nil {
			continue
		}
		for i, part := range c.result.Parts {
			if kind := kindOf(part); h.brief.shows(kind) {
				title := strings.ToUpper(kind[:1]) + kind[1:]
				parts = append(parts, say("%s %d of the result of %s (%s):", title, i+1, c.repeated().Name, handle(t.seq, c.index)), part)
			}
		}
	}
	return openai.Message{Role: openai.User, Parts: parts}, len(parts) > 1
}

// partsRemark says below a result what became of its images and documents.
func (h *history) partsRemark(t *turn, c *call) string {
	count := map[string]int{}
	for _, part := range c.result.Parts {
		count[kindOf(part)]++
	}
	remark := ""
	for _, kind := range []string{"image", "file"} {
		if count[kind] == 0 {
			continue
		}
		fate := "shown below"
		switch {
		case !h.brief.shows(kind):
			fate = "which cannot be shown here"
		case t.folded:
			fate = "no longer shown"
		}
		remark += fmt.Sprintf("\n[%ss with this result: %d, %s]", kind, count[kind], fate)
	}
	return remark
}
