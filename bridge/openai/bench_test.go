package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// typical is a request as runs send them: 30 functions, 36 KB, and some turns.
func typical() Request {
	q := Request{Model: "m", Messages: []Message{{Role: System, Content: strings.Repeat("Be brief. ", 50)}, {Role: User, Content: strings.Repeat("Look it up. ", 20)}}}
	for i := range 4 {
		id := fmt.Sprint("call_", i)
		q.Messages = append(q.Messages, Message{Role: Assistant, Calls: []Call{call(id, "f1", `{"customer":"cus_1"}`)}},
			Message{Role: Tool, CallID: id, Content: strings.Repeat(`{"id":"cus_1","name":"Ann"},`, 40)})
	}
	for i := range 30 {
		q.Functions = append(q.Functions, Function{Name: fmt.Sprint("f", i), Description: strings.Repeat("Does it. ", 20), Strict: true,
			Parameters: json.RawMessage(`{"type":"object","properties":{` + strings.Repeat(`"a":{"type":["string","null"],"description":"one of many"},`, 15) + `"z":{"type":"string"}},"required":["a","z"],"additionalProperties":false}`)})
	}
	return q
}

// answering is a server whose answers are streams of 50 pieces.
func answering(b *testing.B) Options {
	lines := []string{`{"role":"assistant","content":""}`}
	for range 50 {
		lines = append(lines, `{"content":"word "}`)
	}
	body := []byte(chunks(append(lines, "finish:stop", usageChunk, "[DONE]")...))
	return serve(b, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Write(body)
	})
}

func BenchmarkComplete(b *testing.B) {
	o := answering(b)
	models := NewModels([]ModelSettings{{Name: "m", BaseURL: o.BaseURL, APIKey: key}}, ModelsOptions{HTTPClient: o.HTTPClient})
	q := typical()
	q.Hear.Text = func(string) {}
	b.ReportAllocs()
	for b.Loop() {
		if answer, err := models.Complete(b.Context(), q); err != nil || len(answer.Content) != 250 {
			b.Fatalf("answer %+v, error %v", answer, err)
		}
	}
}

// BenchmarkBareHTTP is what the same exchange costs without us: bytes that are there
// already go out, and what comes is read and forgotten.
func BenchmarkBareHTTP(b *testing.B) {
	o := answering(b)
	raw := written(b)
	b.ReportAllocs()
	for b.Loop() {
		response, err := o.HTTPClient.Post(o.BaseURL+"/chat/completions", "application/json", bytes.NewReader(raw))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}

func written(b *testing.B) []byte {
	out, err := New(Options{}).chatBody(typical())
	if err != nil {
		b.Fatal(err)
	}
	raw, _ := io.ReadAll(out.reader())
	return raw
}

func BenchmarkRequestBody(b *testing.B) {
	client, q := New(Options{}), typical()
	b.SetBytes(int64(len(written(b))))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.chatBody(q); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFirstWord is the time from a question to the first word heard, and
// BenchmarkBareFirstWord to the first byte of the answer's body without us.
func BenchmarkFirstWord(b *testing.B) {
	o := answering(b)
	models := NewModels([]ModelSettings{{Name: "m", BaseURL: o.BaseURL, APIKey: key}}, ModelsOptions{HTTPClient: o.HTTPClient})
	q := typical()
	var sum time.Duration
	n := 0
	for b.Loop() {
		began, heard := time.Now(), false
		q.Hear.Text = func(string) {
			if !heard {
				heard = true
				sum += time.Since(began)
			}
		}
		if _, err := models.Complete(b.Context(), q); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(sum.Microseconds())/float64(n), "µs/first-word")
}

func BenchmarkBareFirstWord(b *testing.B) {
	o := answering(b)
	raw := written(b)
	var sum time.Duration
	n := 0
	for b.Loop() {
		began := time.Now()
		response, err := o.HTTPClient.Post(o.BaseURL+"/chat/completions", "application/json", bytes.NewReader(raw))
		if err != nil {
			b.Fatal(err)
		}
		io.ReadFull(response.Body, make([]byte, 1))
		sum += time.Since(began)
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		n++
	}
	b.ReportMetric(float64(sum.Microseconds())/float64(n), "µs/first-word")
}
