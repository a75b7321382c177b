package openaitest

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkRequest is what the server itself costs in a benchmark of a client: one
// request of usual size, checked and answered as a stream.
func BenchmarkRequest(b *testing.B) {
	var tools []string
	for i := range 30 {
		tools = append(tools, fmt.Sprintf(`{"type":"function","function":{"name":"f%d","description":"%s","strict":true,"parameters":{"type":"object","properties":{"a":{"type":["string","null"],"description":"%s"},"b":{"type":"integer"}},"required":["a","b"],"additionalProperties":false}}}`, i, letters(500), letters(300)))
	}
	body := fmt.Sprintf(`{"model":"m","stream":true,"tools":[%s],"messages":[%s,%s,%s]}`, strings.Join(tools, ","), user, calling("a"), returned("a"))
	h := NewHandler(Options{Forget: true})
	h.Always(Say("A short answer in a few pieces, such as models give."))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/v1"+chat, strings.NewReader(body)))
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
		io.Discard.Write(w.Body.Bytes())
	}
}
