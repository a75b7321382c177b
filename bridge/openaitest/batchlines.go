package openaitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// What OpenAI takes of one batch (API reference, "Create batch", input_file_id).
const (
	mostLines      = 50_000
	mostInputBytes = 200_000_000
)

// readLines reads a batch's file, each line as strictly as a request that is made at
// once. What is wrong is a violation, and what a batch that failed says.
func (h *Handler) readLines(endpoint string, content []byte) ([]BatchLine, []batchProblem) {
	var lines []BatchLine
	var problems []batchProblem
	seen, model := map[string]bool{}, ""
	if len(content) > mostInputBytes {
		problems = append(problems, batchProblem{Code: "file_too_large", Message: "the file is too large"})
	}
	for i, raw := range bytes.Split(bytes.TrimSuffix(content, []byte("\n")), []byte("\n")) {
		line, found := h.readLine(endpoint, raw)
		if seen[line.ID] {
			found = append(found, Violation{Param: "custom_id", Text: fmt.Sprintf("The custom_id %q is a duplicate of another request.", line.ID)})
		}
		if model == "" {
			model = line.Request.Model
		}
		if line.Request.Model != model {
			found = append(found, Violation{Param: "body.model", Text: fmt.Sprintf("the model %q is not that of the other lines, %q", line.Request.Model, model)})
		}
		seen[line.ID] = true
		h.record(&line.Request, found)
		lines = append(lines, line)
		at := i + 1
		for _, v := range found {
			problems = append(problems, batchProblem{Code: "invalid_request", Message: v.Text, Param: nullable(v.Param), Line: &at})
		}
	}
	if len(lines) > mostLines {
		problems = append(problems, batchProblem{Code: "too_many_requests", Message: "there are too many requests"})
		h.record(&Request{}, []Violation{{Text: "too many lines in a batch"}})
	}
	if !h.exists(model) {
		problems = append(problems, batchProblem{Code: "model_not_found", Message: fmt.Sprintf("The provided model '%s' is not supported by the Batch API.", model)})
	}
	return lines, problems
}

func (h *Handler) readLine(endpoint string, raw []byte) (BatchLine, []Violation) {
	c := &checker{}
	line, ok := c.object("", raw)
	if !ok {
		return BatchLine{}, c.found
	}
	line.only("custom_id", "method", "url", "body")
	line.need("custom_id", "method", "url", "body")
	line.among("method", "POST")
	line.among("url", endpoint)
	out := BatchLine{ID: line.short("custom_id", 64), Request: Request{API: Chat, Body: line.members["body"]}}
	if endpoint == "/v1/responses" {
		out.Request.API = Responses
	}
	found := append(c.found, h.check(&out.Request)...)
	if out.Request.Member("stream") != nil {
		found = append(found, Violation{Param: "body.stream", Text: "A batch cannot be streamed."})
	}
	return out, found
}

// Fate is what becomes of one line when a batch ends.
type Fate int

const (
	Answered Fate = iota // or refused, if the server's reply to it is a failure
	Expired              // in the file of errors, as not come to
	Nowhere              // in neither file
)

// Ending says how a batch ends.
type Ending struct {
	Status string // completed if empty
	// Fate of the i-th line; all are answered if nil.
	Fate func(i int) Fate
	// Backwards: the results come in the reverse order of the questions.
	Backwards bool
	// Extra are further lines, for the file of answers: odd ones.
	Extra []string
}

// End ends a batch: its lines get the replies that requests would have got now, in
// their order.
func (h *Handler) End(id string, e Ending) {
	b := h.batches
	b.mu.Lock()
	lines := b.byID[id].Lines
	b.mu.Unlock()
	var answers, errors [][]byte
	for i, line := range lines {
		switch fate := e.fate(i); fate {
		case Answered:
			if result, refused := h.result(i, line); refused {
				errors = append(errors, result)
			} else {
				answers = append(answers, result)
			}
		case Expired:
			errors = append(errors, encoded(map[string]any{"id": fmt.Sprintf("batch_req_%d", i), "custom_id": line.ID, "response": nil,
				"error": map[string]string{"code": "batch_expired", "message": "This request could not be executed before the completion window expired."}}))
		}
	}
	if e.Backwards {
		slices.Reverse(answers)
		slices.Reverse(errors)
	}
	for _, extra := range e.Extra {
		answers = append(answers, []byte(extra))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	ended := b.byID[id]
	if ended.Status = e.Status; ended.Status == "" {
		ended.Status = "completed"
	}
	for into, lines := range map[*string][][]byte{&ended.output: answers, &ended.errors: errors} {
		if len(lines) > 0 {
			*into = b.keep(&file{purpose: "batch_output", content: append(bytes.Join(lines, []byte("\n")), '\n')})
		}
	}
}

// Refuse ends a batch as one that was not taken: for a code, about a line or, with 0,
// about the whole.
func (h *Handler) Refuse(id, code string, line int) {
	h.batches.mu.Lock()
	defer h.batches.mu.Unlock()
	p := batchProblem{Code: code, Message: "The fake server refuses this: " + code}
	if line > 0 {
		p.Line = &line
	}
	refused := h.batches.byID[id]
	refused.Status, refused.problems = "failed", append(refused.problems, p)
}

func (e Ending) fate(i int) Fate {
	if e.Fate == nil {
		return Answered
	}
	return e.Fate(i)
}

// result is a line's, and whether it is an error's.
func (h *Handler) result(i int, line BatchLine) (result []byte, refused bool) {
	reply, ok := h.next(line.Request)
	if !ok {
		h.unexpected(i)
		reply = Fail(500)
	}
	a := answer{Reply: reply.named(i), number: i, now: time.Now().Unix(), request: &line.Request, usage: reply.count(&line.Request)}
	status, body := 200, any(nil)
	switch {
	case reply.status != 0:
		status, body = reply.status, map[string]problem{"error": reply.problem}
	case line.Request.API == Responses:
		body = a.response(a.status(), a.items())
	default:
		body = a.completion()
	}
	return encoded(map[string]any{"id": fmt.Sprintf("batch_req_%d", i), "custom_id": line.ID, "error": nil,
		"response": map[string]any{"status_code": status, "request_id": fmt.Sprintf("req_%d", i), "body": json.RawMessage(encoded(body))}}), status != 200
}
