package openaitest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Batch is a batch as the server has it.
type Batch struct {
	ID       string
	Status   string // of OpenAI's: validating, in_progress, cancelling, completed, failed, expired, cancelled
	Metadata map[string]string
	Lines    []BatchLine

	endpoint, input, output, errors string
	created                         int64
	problems                        []batchProblem
}

// BatchLine is one request of a batch.
type BatchLine struct {
	ID      string // custom_id
	Request Request
}

type batchProblem struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
	Line    *int    `json:"line"`
}

// batches are the files and batches of a server (platform.openai.com/docs/api-reference/batch
// and /files).
type batches struct {
	h *Handler

	mu       sync.Mutex
	files    map[string]*file
	byID     map[string]*Batch
	order    []string // ids, the oldest first
	disturb  map[Step][]Disturbance
	created  chan string
	uploaded int
	stored   map[string]string // responses, by id
}

type file struct {
	purpose string
	content []byte
}

func newBatches(h *Handler) *batches {
	b := &batches{h: h, files: map[string]*file{}, byID: map[string]*Batch{}, disturb: map[Step][]Disturbance{}, created: make(chan string, 1000), stored: map[string]string{}}
	for pattern, s := range map[string]struct {
		step Step
		do   func(*http.Request) (any, *problem)
	}{
		"POST /v1/files":               {Upload, b.upload},
		"DELETE /v1/files/{id}":        {Delete, b.delete},
		"POST /v1/batches":             {Create, b.create},
		"GET /v1/batches":              {List, b.list},
		"GET /v1/batches/{id}":         {Retrieve, b.retrieve},
		"POST /v1/batches/{id}/cancel": {Cancel, b.cancel},
		"GET /v1/responses/{id}":       {Retrieve, b.response},
	} {
		h.routes.HandleFunc(pattern, b.serve(s.step, s.do))
	}
	h.routes.HandleFunc("GET /v1/files/{id}/content", b.content)
	return b
}

// Created tells the id of each batch once it is made.
func (h *Handler) Created() <-chan string { return h.batches.created }

// Batches are all that were made, the oldest first.
func (h *Handler) Batches() []Batch {
	b := h.batches
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Batch, len(b.order))
	for i, id := range b.order {
		out[i] = *b.byID[id]
	}
	return out
}

// Files are how many files there are, uploaded or made here, and not deleted.
func (h *Handler) Files() int {
	h.batches.mu.Lock()
	defer h.batches.mu.Unlock()
	return len(h.batches.files)
}

// Uploads are how many files were uploaded.
func (h *Handler) Uploads() int {
	h.batches.mu.Lock()
	defer h.batches.mu.Unlock()
	return h.batches.uploaded
}

// Store keeps a response for those who fetch it by its id.
func (h *Handler) Store(id, response string) {
	h.batches.mu.Lock()
	defer h.batches.mu.Unlock()
	h.batches.stored[id] = response
}

func notFound(what, id string) *problem {
	return &problem{Message: fmt.Sprintf("No such %s: %s", what, id), Type: "invalid_request_error", Param: nullable("id")}
}

func invalid(param, format string, args ...any) *problem {
	return &problem{Message: fmt.Sprintf(format, args...), Type: "invalid_request_error", Param: nullable(param), Code: nullable("invalid_value")}
}

// violated is invalid for what no client of ours may do.
func (b *batches) violated(param, format string, args ...any) *problem {
	p := invalid(param, format, args...)
	b.h.record(&Request{}, []Violation{{Param: param, Text: p.Message}})
	return p
}

func (b *batches) upload(r *http.Request) (any, *problem) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, b.violated("file", "expected multipart/form-data: %v", err)
	}
	f, err := readFile(form)
	switch {
	case err != nil:
		return nil, b.violated("file", "reading the form: %v", err)
	case f.purpose != "batch":
		return nil, b.violated("purpose", "'%s' is not one of ['batch']", f.purpose)
	case len(f.content) == 0:
		return nil, b.violated("file", "the file is empty")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.uploaded++
	id := b.keep(f)
	return map[string]any{"id": id, "object": "file", "bytes": len(f.content), "created_at": time.Now().Unix(), "filename": "x.jsonl", "purpose": f.purpose, "status": "processed"}, nil
}

func readFile(form *multipart.Reader) (*file, error) {
	f := &file{}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			return f, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		switch part.FormName() {
		case "purpose":
			f.purpose = string(content)
		case "file":
			f.content = content
			if !strings.HasSuffix(part.FileName(), ".jsonl") {
				return nil, fmt.Errorf("the file is called %q, want .jsonl", part.FileName())
			}
		default:
			return nil, fmt.Errorf("unknown parameter %q", part.FormName())
		}
	}
}

// keep stores a file under a new id. The lock is held.
func (b *batches) keep(f *file) string {
	id := fmt.Sprintf("file-%d-%d", len(b.files), b.uploaded)
	for b.files[id] != nil {
		id += "x"
	}
	b.files[id] = f
	return id
}

func (b *batches) delete(r *http.Request) (any, *problem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := r.PathValue("id")
	if b.files[id] == nil {
		return nil, notFound("File object", id)
	}
	delete(b.files, id)
	return map[string]any{"id": id, "object": "file", "deleted": true}, nil
}

func (b *batches) create(r *http.Request) (any, *problem) {
	var asked struct {
		Input    string            `json:"input_file_id"`
		Endpoint string            `json:"endpoint"`
		Window   string            `json:"completion_window"`
		Metadata map[string]string `json:"metadata"`
	}
	raw, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(raw, &asked)
	}
	c := &checker{}
	if body, ok := c.object("", raw); ok {
		body.only("input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after")
		checkMetadata(body)
	}
	switch {
	case err != nil:
		return nil, b.violated("", "the body cannot be read: %v", err)
	case len(c.found) > 0:
		return nil, b.violated(c.found[0].Param, "%s", c.found[0].Text)
	case asked.Window != "24h":
		return nil, b.violated("completion_window", "Invalid value: '%s'. Supported values are: '24h'.", asked.Window)
	case asked.Endpoint != "/v1/chat/completions" && asked.Endpoint != "/v1/responses":
		return nil, b.violated("endpoint", "Invalid value: '%s'.", asked.Endpoint)
	}
	b.mu.Lock()
	f := b.files[asked.Input]
	b.mu.Unlock()
	if f == nil {
		return nil, b.violated("input_file_id", "No such file: %s", asked.Input)
	}
	made := &Batch{Status: "validating", Metadata: asked.Metadata, endpoint: asked.Endpoint, input: asked.Input, created: time.Now().Unix()}
	made.Lines, made.problems = b.h.readLines(asked.Endpoint, f.content)
	if len(made.problems) > 0 {
		made.Status = "failed"
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	made.ID = fmt.Sprintf("batch_%d", len(b.order)+1)
	b.byID[made.ID] = made
	b.order = append(b.order, made.ID)
	b.created <- made.ID
	return made.object(), nil
}

func (b *batches) retrieve(r *http.Request) (any, *problem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := b.byID[r.PathValue("id")]
	if found == nil {
		return nil, notFound("batch", r.PathValue("id"))
	}
	if found.Status == "validating" {
		found.Status = "in_progress"
	}
	return found.object(), nil
}

func (b *batches) cancel(r *http.Request) (any, *problem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := b.byID[r.PathValue("id")]
	switch {
	case found == nil:
		return nil, notFound("batch", r.PathValue("id"))
	case over(found.Status):
		return nil, invalid("id", "Cannot cancel a batch with status '%s'.", found.Status)
	}
	found.Status = "cancelling"
	return found.object(), nil
}

func over(status string) bool {
	return slices.Contains([]string{"completed", "failed", "expired", "cancelled"}, status)
}

// list gives a page, the newest first.
func (b *batches) list(r *http.Request) (any, *problem) {
	limit, after := 20, r.URL.Query().Get("after")
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			return nil, b.violated("limit", "Invalid 'limit': %s", text)
		}
		limit = n
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := slices.Clone(b.order)
	slices.Reverse(ids)
	if i := slices.Index(ids, after); after != "" {
		ids = ids[i+1:]
	}
	more := len(ids) > limit
	data := []any{}
	for _, id := range ids[:min(limit, len(ids))] {
		data = append(data, b.byID[id].object())
	}
	return map[string]any{"object": "list", "data": data, "has_more": more}, nil
}

func (b *batches) response(r *http.Request) (any, *problem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found, ok := b.stored[r.PathValue("id")]
	if !ok {
		return nil, notFound("response", r.PathValue("id"))
	}
	return json.RawMessage(found), nil
}

// object is the batch as the API shows it.
func (b *Batch) object() map[string]any {
	out := map[string]any{
		"id": b.ID, "object": "batch", "endpoint": b.endpoint, "input_file_id": b.input, "completion_window": "24h", "status": b.Status,
		"created_at": b.created, "expires_at": b.created + 86400, "metadata": b.Metadata, "errors": nil,
		"output_file_id": nullable(b.output), "error_file_id": nullable(b.errors), "request_counts": map[string]int{"total": len(b.Lines), "completed": 0, "failed": 0},
	}
	if len(b.problems) > 0 {
		out["errors"] = map[string]any{"object": "list", "data": b.problems}
	}
	return out
}
