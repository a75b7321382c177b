package mcpmount

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// message is a JSON-RPC message as it comes in (JSON-RPC 2.0, sections 4 and 5).
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *rpcError       `json:"error"`
}

// rpcError is a server's answer that it did not do as asked.
type rpcError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

func (e *rpcError) Error() string {
	return fmt.Sprintf("the server answered with error %d: %s", e.Code, e.Message)
}

// maxForeignID bounds the id of a server's request, which goes back to it.
const maxForeignID = 256

func (m message) hasID() bool {
	return len(m.ID) > 0 && len(m.ID) <= maxForeignID && string(m.ID) != "null"
}

// answered is the id of our request that the message answers. Ours are numbers;
// some servers send them back as text.
func (m message) answered() (int64, bool) {
	if m.Method != "" || !m.hasID() {
		return 0, false
	}
	id, err := strconv.ParseInt(string(bytes.Trim(m.ID, `"`)), 10, 64)
	return id, err == nil
}

// outgoing is a message of ours: a request, a notification or an answer.
type outgoing struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

// encode gives one line. Raw parts keep their numbers and their characters.
func (o outgoing) encode() ([]byte, error) {
	o.JSONRPC = "2.0"
	return encode(o)
}

func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("writing a message: %w", err)
	}
	return out.Bytes(), nil
}

// object is JSON that is built from parts, some of which are raw.
type object map[string]any

func (o object) raw() (json.RawMessage, error) {
	text, err := encode(o)
	return bytes.TrimRight(text, "\n"), err
}
