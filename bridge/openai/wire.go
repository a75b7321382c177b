package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxAnswer bounds the body of an answer, in bytes: go-openai reads whatever it
// is sent.
const maxAnswer = 32 << 20

// doer stands between go-openai and the network for the two things go-openai
// cannot be told: to say strict even when it is false, and to stop reading.
type doer struct{ client *http.Client }

func (d doer) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if body, err = sayStrict(body); err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.ContentLength = int64(len(body))
	response, err := d.client.Do(r)
	if err != nil {
		return nil, err
	}
	response.Body = http.MaxBytesReader(nil, response.Body, maxAnswer)
	return response, nil
}

// sayStrict writes each tool of a request again with its strict, which go-openai
// leaves out when it is false. A missing one is non-strict on OpenAI's chat
// endpoint but "strict if it can be" on others, which rewrites the schema.
func sayStrict(body []byte) ([]byte, error) {
	var request map[string]json.RawMessage
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if request["tools"] == nil {
		return body, nil
	}
	var tools []struct {
		Type     string   `json:"type"`
		Function Function `json:"function"`
	}
	if err := json.Unmarshal(request["tools"], &tools); err != nil {
		return nil, fmt.Errorf("reading the request's tools: %w", err)
	}
	var err error
	if request["tools"], err = json.Marshal(tools); err != nil {
		return nil, fmt.Errorf("encoding the request's tools: %w", err)
	}
	return json.Marshal(request)
}
