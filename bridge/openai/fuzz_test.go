package openai

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// readBytes reads a body as the answer to a question, without a network.
func readBytes(client *Client, body []byte, hear func(string)) (Answer, error) {
	x := &exchange{quiet: time.Minute, watch: time.AfterFunc(time.Hour, func() {})}
	defer x.watch.Stop()
	x.in = &http.Response{Body: io.NopCloser(bytes.NewReader(body))}
	q := question()
	q.Hear.Text = hear
	return x.read(client.read(client, q))
}

// Whatever a server sends, nothing panics, what was heard is what the answer says, and
// an answer has an end: cut anywhere, the same bytes give no calls.
func FuzzStream(f *testing.F) {
	f.Add([]byte(chunks(`{"content":"a"}`, `{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}`, "finish:tool_calls", usageChunk, "[DONE]")), 150)
	f.Add([]byte(strings.ReplaceAll(chunks(`{"content":"a"}`, `{"tool_calls":[{"function":{"name":"f","arguments":{}}}]}`, "finish:length"), "\n\n", "\r\n: c\r\n")), 90)
	f.Add([]byte(`{"choices":[{"message":{"content":[{"text":"a"}],"tool_calls":[{"id":"a"}]}}]}`), 30)
	f.Add([]byte(`data: {"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","call_id":"a","name":"f","arguments":"{}"}}`+"\n\n"+
		`data: {"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}]}}`+"\n\n"), 140)
	f.Add([]byte(`{"type":"response.output_item.done","item":{"type":"message"}}`), 9)
	f.Add([]byte("event: error\ndata: {\"error\":\"x\"}\n\n"), 3)
	clients := []*Client{New(Options{}), New(Options{API: Responses})}
	f.Fuzz(func(t *testing.T, body []byte, cut int) {
		for _, client := range clients {
			var heard strings.Builder
			answer, err := readBytes(client, body, func(s string) { heard.WriteString(s) })
			if err != nil {
				if e := client.explain(t.Context(), "m", &exchange{in: &http.Response{}}, err); !utf8.ValidString(e.Message) || len(e.Message) > 1000 {
					t.Errorf("error %q", e.Message)
				}
				continue
			}
			if client == clients[0] && heard.String() != answer.Content {
				t.Errorf("heard %q, the answer says %q", heard.String(), answer.Content)
			}
			if cut < 0 || cut >= len(body) {
				continue
			}
			part := body[:cut]
			got, err := readBytes(client, part, func(string) {})
			if err == nil && len(got.Calls) > 0 && !ended(part) {
				t.Errorf("calls %+v of a stream that was cut", got.Calls)
			}
		}
	})
}

// ended reports whether there is a mark of an end in what was sent.
func ended(body []byte) bool {
	body = bytes.ToLower(body) // as encoding/json does not mind
	return bytes.Contains(body, []byte("[done]")) || bytes.Contains(body, []byte("finish_reason")) || bytes.Contains(body, []byte("response.")) ||
		bytes.Contains(body, []byte("\\u")) || inOnePiece(newReader(string(body)))
}

// However an answer is cut into deltas and its calls are mixed, it comes out whole.
func TestAnyDeltasGiveTheAnswerTheyAreOf(t *testing.T) {
	type part struct {
		Index    int    `json:"index"`
		ID       string `json:"id,omitempty"`
		Function struct {
			Name      string `json:"name,omitempty"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	}
	client := New(Options{})
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		var want []Call
		var left [][]part
		for i := range rapid.IntRange(0, 4).Draw(t, "calls") {
			c := call("id"+string(rune('a'+i)), rapid.StringMatching(`[a-z_]{1,9}`).Draw(t, "name"), rapid.String().Draw(t, "arguments"))
			want = append(want, c)
			first := part{Index: i, ID: c.ID}
			first.Function.Name = c.Name
			pieces := []part{first}
			for _, r := range c.Arguments {
				p := part{Index: i}
				p.Function.Arguments = string(r)
				pieces = append(pieces, p)
			}
			left = append(left, pieces)
		}
		var lines []string
		for _, r := range text {
			raw, _ := encode(map[string]string{"content": string(r)})
			lines = append(lines, string(raw))
		}
		for len(left) > 0 {
			i := rapid.IntRange(0, len(left)-1).Draw(t, "next")
			raw, _ := encode(map[string][]part{"tool_calls": left[i][:1]})
			lines = append(lines, string(raw))
			if left[i] = left[i][1:]; len(left[i]) == 0 {
				left = append(left[:i], left[i+1:]...)
			}
		}
		got, err := readBytes(client, []byte(chunks(append(lines, "finish:stop")...)), func(string) {})
		if err != nil || got.Content != text || len(got.Calls) != len(want) {
			t.Fatalf("answer %+v, error %v", got, err)
		}
		for i := range want {
			if got.Calls[i] != want[i] {
				t.Fatalf("call %d: %+v, want %+v", i, got.Calls[i], want[i])
			}
		}
	})
}
