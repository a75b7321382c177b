package webhook

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// soapMessage walks through XML and tells see of every element when it ends: its
// path of local names, its exact bytes, and the text in it, if it holds nothing
// else. It stops when see says so. What is no well-formed XML is an error.
//
// encoding/xml knows no entities but the five of XML itself, so that nothing in a
// message can grow or refer to anything outside of it.
func soapMessage(body []byte, see func(path string, element []byte, content string) (more bool)) error {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	var open []openElement
	for {
		start := decoder.InputOffset()
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && len(open) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(open) == maxDepth {
				return errTooDeep
			}
			path := t.Name.Local
			if len(open) > 0 {
				path = open[len(open)-1].path + "/" + path
				open[len(open)-1].parent = true
			}
			open = append(open, openElement{path: path, start: start})
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text.Write(t)
			}
		case xml.EndElement:
			last := &open[len(open)-1]
			content := ""
			if !last.parent {
				content = strings.TrimSpace(last.text.String())
			}
			end := decoder.InputOffset()
			if !see(last.path, body[last.start:end:end], content) {
				return nil
			}
			open = open[:len(open)-1]
		case xml.Directive:
			return errors.New("a document type declaration, which no message has")
		}
	}
}

type openElement struct {
	path   string
	start  int64
	parent bool
	text   bytes.Buffer
}
