package bridge

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"

	"drawbridge/bridge/openai"
)

// Bounds of the images that are kept of one result, for a model that can be shown
// them: what is more is named in words only. OpenAI takes up to 50 MB a request.
const (
	mostImages     = 8
	mostImageBytes = 5 << 20 // of one image, decoded
)

// textPart and imagePart are content parts of the chat API ("Create chat completion",
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

// image makes a content part of an image's base64, if it is one that models take.
// Its bytes say what it is, not its server: one image of another kind fails the
// whole request, and every later one of the run.
func image(data string) (part json.RawMessage, ok bool) {
	if len(data) > 2*mostImageBytes { // whatever line breaks it has
		return nil, false
	}
	decoded, err := base64.StdEncoding.DecodeString(data)
	if err != nil || len(decoded) > mostImageBytes {
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

// images is the message that shows the images of a turn's results. The chat API
// takes images from users only, so they follow the results as a message of their own.
func (h *history) images(t *turn) (openai.Message, bool) {
	if !h.brief.Images || t.folded {
		return openai.Message{}, false
	}
	say := func(format string, args ...any) json.RawMessage {
		return encode(textPart{"text", fmt.Sprintf(format, args...)})
	}
	parts := []json.RawMessage{say("%sImages returned by the calls above.", fromRuntime)}
	for _, c := range t.calls {
		if c.result == nil {
			continue
		}
		for i, part := range c.result.Parts {
			parts = append(parts, say("Image %d of the result of %s (%s):", i+1, c.repeated().Name, handle(t.seq, c.index)), part)
		}
	}
	return openai.Message{Role: openai.User, Parts: parts}, len(parts) > 1
}

// imagesRemark says below a result what became of its images.
func (h *history) imagesRemark(t *turn, c *call) string {
	if len(c.result.Parts) == 0 {
		return ""
	}
	fate := "shown below"
	switch {
	case !h.brief.Images:
		fate = "which cannot be shown here"
	case t.folded:
		fate = "no longer shown"
	}
	return fmt.Sprintf("\n[images with this result: %d, %s]", len(c.result.Parts), fate)
}
