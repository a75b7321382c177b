package bridge_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
)

// padded is base64 of a file that begins like this and has so many bytes.
func padded(head string, size int) string {
	return base64.StdEncoding.EncodeToString([]byte(head + strings.Repeat("\x00", size-len(head))))
}

// pdf is base64 of a file that a reader takes for a PDF, with this in it.
func pdf(text string) string {
	return base64.StdEncoding.EncodeToString([]byte("%PDF-1.7\n\x80" + text + "\nstartxref\n9\n%%EOF\n"))
}

const (
	pngHead  = "\x89PNG\x0D\x0A\x1A\x0A"
	webpHead = "RIFF\x00\x00\x00\x00WEBPVP8 "
)

func TestPartsOfAResultAreKeptIfAModelCanTakeThem(t *testing.T) {
	w := newWorld(t).tool("x", bridge.Read, true, returns(""))
	block := func(data, kind string) string {
		return fmt.Sprintf(`{"type":"image","data":%q,"mimeType":%q}`, data, kind)
	}
	blob := func(data, kind string) string {
		return fmt.Sprintf(`{"type":"resource","resource":{"uri":"x:1","mimeType":%q,"blob":%q}}`, kind, data)
	}
	for name, c := range map[string]struct {
		result  string
		content string
		kinds   string // of what is kept
	}{
		"png":                       {block(padded(pngHead, 20), "image/png"), "[image 1]", "png"},
		"jpeg that says it is png":  {block(padded("\xFF\xD8\xFF", 20), "image/png"), "[image 1]", "jpeg"},
		"gif":                       {block(padded("GIF89a", 20), "image/gif"), "[image 1]", "gif"},
		"webp":                      {block(padded(webpHead, 30), "image/webp"), "[image 1]", "webp"},
		"with line breaks":          {block(padded(pngHead, 20)[:10]+"\r\n"+padded(pngHead, 20)[10:], "image/png"), "[image 1]", "png"},
		"svg":                       {block(padded("<svg/>", 20), "image/svg+xml"), "[an image, image/svg+xml, that cannot be shown here]", ""},
		"text that says it is png":  {block(padded("hello", 20), "image/png"), "[an image, image/png, that cannot be shown here]", ""},
		"no base64":                 {block("!", "image/png"), "[an image, image/png, that cannot be shown here]", ""},
		"a file that is an image":   {blob(padded(pngHead, 20), "image/png"), "[image 1]", "png"},
		"a document":                {blob(pdf(""), "application/pdf"), "[file 1, application/pdf: x:1]", "1.pdf application/pdf"},
		"a document of no type":     {blob(pdf(""), ""), "[file 1, application/pdf: x:1]", "1.pdf application/pdf"},
		"a document of a few words": {blob(base64.StdEncoding.EncodeToString([]byte("%PDF-1.0 words %%EOF")), "application/pdf"), "[file 1, application/pdf: x:1]", "1.pdf application/pdf"},
		"a document cut off":        {blob(padded("%PDF-1.7", 20), "application/pdf"), "[a file, application/pdf, that cannot be shown here: x:1]", ""},
		"a document with much else": {blob(pdf(strings.Repeat("\x00", 2000)), "application/pdf"), "[file 1, application/pdf: x:1]", "1.pdf application/pdf"},
		"a document that is locked": {blob(pdf("/Encrypt 9 0 R"), "application/pdf"), "[a file, application/pdf, that cannot be shown here: x:1]", ""},
		"no document":               {blob(padded("PK\x03\x04%%EOF", 20), "application/pdf"), "[a file, application/pdf, that cannot be shown here: x:1]", ""},
		"image and document":        {block(padded(pngHead, 20), "image/png") + "," + blob(pdf(""), "application/pdf"), "[image 1]\n[file 2, application/pdf: x:1]", "png 1.pdf application/pdf"},
		"nine documents":            {strings.Repeat(blob(pdf(""), "a/b")+",", 8) + blob(pdf(""), "a/b"), "[file 1, application/pdf: x:1]\n[file 2, application/pdf: x:1]\n[file 3, application/pdf: x:1]\n[file 4, application/pdf: x:1]\n[file 5, application/pdf: x:1]\n[file 6, application/pdf: x:1]\n[file 7, application/pdf: x:1]\n[file 8, application/pdf: x:1]\n[a file, a/b, that cannot be shown here: x:1]", strings.TrimSuffix(strings.Repeat("1.pdf application/pdf ", 8), " ")},
		"a table sent as bytes":     {blob(base64.StdEncoding.EncodeToString([]byte("id,für\r\n1,2\n")), "text/csv"), "id,für\r\n1,2\n", ""},
		"bytes of no type":          {blob(padded("\x00\x01", 20), ""), "[a file, of no known type, that cannot be shown here: x:1]", ""},
		"a recording":               {`{"type":"audio","data":"AAAA","mimeType":"audio/wav"}`, "[a recording, audio/wav, that cannot be shown here]", ""},
		"nine of them":              {strings.Repeat(block(padded(pngHead, 20), "image/png")+",", 8) + block(padded(pngHead, 20), "image/png"), "[image 1]\n[image 2]\n[image 3]\n[image 4]\n[image 5]\n[image 6]\n[image 7]\n[image 8]\n[an image, image/png, that cannot be shown here]", "png png png png png png png png"},
		"text before and behind it": {`{"type":"text","text":"a"},` + block(padded(pngHead, 20), "image/png") + `,{"type":"text","text":"b"}`, "a\n[image 1]\nb", "png"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, structured := range []string{"", `,"structuredContent":{"n":1}`} {
				w.answering(mcp.MethodToolsCall, `{"content":[`+c.result+`]`+structured+`}`)
				got, err := w.session().Call(t.Context(), "x", json.RawMessage(`{}`), "")
				if err != nil {
					t.Fatal(err)
				}
				want := c.content
				if structured != "" {
					want = `{"n":1}`
				}
				var kinds []string
				for _, part := range got.Parts {
					kind, _, _ := strings.Cut(string(part), ";base64,")
					kinds = append(kinds, strings.NewReplacer(`{"type":"image_url","image_url":{"url":"data:image/`, "",
						`{"type":"file","file":{"filename":"`, "", `","file_data":"data:`, " ").Replace(kind))
				}
				if diff := cmp.Diff(want+" "+c.kinds, got.Content+" "+strings.Join(kinds, " ")); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}
