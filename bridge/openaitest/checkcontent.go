package openaitest

import (
	"encoding/json"
	"slices"
	"strings"
)

// checkContent reads what a message holds: a text, or parts of the kinds allowed.
func checkContent(o object, name string, m *Message, kinds ...string) {
	if !o.has(name) || json.Unmarshal(o.members[name], &m.Text) == nil {
		return
	}
	for i, raw := range o.list(name) {
		m.Parts = append(m.Parts, raw)
		part, ok := o.c.object(place(o.path(name), i), raw)
		if !ok {
			continue
		}
		part.need("type")
		kind := part.text("type")
		if !slices.Contains(kinds, kind) {
			o.c.report(part.path("type"), "Invalid value: '%s'. Supported values are: %q.", kind, kinds)
			continue
		}
		m.Text += checkPart(part, kind)
	}
}

// checkPart judges one part and gives its text, if it is one.
func checkPart(part object, kind string) string {
	switch kind {
	case "text", "input_text":
		part.only("type", "text")
		part.need("text")
		return part.text("text")
	case "output_text":
		part.only("type", "text", "annotations", "logprobs")
		part.need("text")
		return part.text("text")
	case "refusal":
		part.only("type", "refusal")
		part.need("refusal")
		part.text("refusal")
	case "image_url":
		checkImage(part)
	case "input_audio":
		checkAudio(part)
	case "file":
		checkFile(part)
	case "input_image":
		part.only("type", "image_url", "file_id", "detail")
		checkAddress(part, "image_url", part.has("file_id"))
		part.among("detail", details...)
	case "input_file":
		part.only("type", "file_id", "file_data", "file_url", "filename")
		checkFileSource(part, "file_id", "file_data", "file_url")
	}
	return ""
}

var details = []string{"auto", "low", "high", "original"}

func checkImage(part object) {
	part.only("type", "image_url")
	part.need("image_url")
	if image, ok := part.sub("image_url"); ok {
		image.only("url", "detail")
		checkAddress(image, "url", false)
		image.among("detail", details...)
	}
}

// checkAddress wants an address that the server could fetch, or the data itself.
func checkAddress(o object, name string, optional bool) {
	if optional && !o.has(name) {
		return
	}
	o.need(name)
	url := o.text(name)
	data, isData := strings.CutPrefix(url, "data:image/")
	if isData && strings.Contains(data, ";base64,") || strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
		return
	}
	if o.has(name) {
		o.c.report(o.path(name), "Invalid image: expected a http(s) address or a base64-encoded data URL with an image MIME type.")
	}
}

func checkAudio(part object) {
	part.only("type", "input_audio")
	part.need("input_audio")
	if audio, ok := part.sub("input_audio"); ok {
		audio.only("data", "format")
		audio.need("data", "format")
		audio.text("data")
		audio.among("format", "wav", "mp3")
	}
}

func checkFile(part object) {
	part.only("type", "file")
	part.need("file")
	if file, ok := part.sub("file"); ok {
		file.only("file_id", "file_data", "filename")
		checkFileSource(file, "file_id", "file_data")
	}
}

// checkFileSource: exactly one of the sources; data goes with a name and says what
// it is.
func checkFileSource(file object, sources ...string) {
	given := 0
	for _, name := range sources {
		if file.has(name) {
			given++
			file.text(name)
		}
	}
	if given != 1 {
		file.c.report(file.at, "Mutually exclusive parameters: expected exactly one of %q.", sources)
	}
	file.text("filename")
	if !file.has("file_data") {
		return
	}
	file.need("filename")
	if !strings.HasPrefix(file.text("file_data"), "data:") {
		file.c.report(file.path("file_data"), "Invalid '%s': expected a base64-encoded data URL with a MIME type.", file.path("file_data"))
	}
}
