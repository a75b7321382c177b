package rehearsal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// batches are files and batches of OpenAI's Batch API, for agents that answer in
// batches. A batch is over as soon as it is made. All of it is in memory: after a restart
// nobody knows it any more.
type batches struct {
	s *Server

	mu    sync.Mutex
	made  int // of files and batches
	files map[string][]byte
	byID  map[string]*batch
	order []*batch // the newest first
}

type batch struct {
	ID       string          `json:"id"`
	Object   string          `json:"object"`
	Endpoint string          `json:"endpoint"`
	Input    string          `json:"input_file_id"`
	Window   string          `json:"completion_window"`
	Status   string          `json:"status"`
	Output   *string         `json:"output_file_id"`
	Created  int64           `json:"created_at"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

func (s *Server) routeBatches() {
	b := &batches{s: s, files: map[string][]byte{}, byID: map[string]*batch{}}
	s.routes.HandleFunc("POST /v1/files", b.upload)
	s.routes.HandleFunc("GET /v1/files/{id}/content", b.content)
	s.routes.HandleFunc("DELETE /v1/files/{id}", b.delete)
	s.routes.HandleFunc("POST /v1/batches", b.create)
	s.routes.HandleFunc("GET /v1/batches", b.list)
	s.routes.HandleFunc("GET /v1/batches/{id}", b.show)
	s.routes.HandleFunc("POST /v1/batches/{id}/cancel", b.show) // it is over
}

// next is a new id. The lock is held.
func (b *batches) next(prefix string) string {
	b.made++
	return fmt.Sprintf("%s-rehearsal-%d", prefix, b.made)
}

func (b *batches) upload(w http.ResponseWriter, r *http.Request) {
	file, _, err := r.FormFile("file")
	if err != nil {
		refuse(w, http.StatusBadRequest, "", "the file cannot be read: "+err.Error())
		return
	}
	content, err := io.ReadAll(file)
	if err != nil {
		refuse(w, http.StatusBadRequest, "", "the file cannot be read: "+err.Error())
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	id := b.next("file")
	b.files[id] = content
	respond(w, http.StatusOK, map[string]any{"id": id, "object": "file", "bytes": len(content), "created_at": b.s.now().Unix(), "purpose": r.FormValue("purpose")})
}

func (b *batches) content(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	content, ok := b.files[r.PathValue("id")]
	b.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "", "there is no such file")
		return
	}
	_, _ = w.Write(content)
}

func (b *batches) delete(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.files, r.PathValue("id"))
	respond(w, http.StatusOK, map[string]any{"id": r.PathValue("id"), "object": "file", "deleted": true})
}

func (b *batches) create(w http.ResponseWriter, r *http.Request) {
	made := &batch{Object: "batch", Status: "completed", Created: b.s.now().Unix()}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(made); err != nil {
		refuse(w, http.StatusBadRequest, "", "the body cannot be read: "+err.Error())
		return
	}
	b.mu.Lock()
	input, ok := b.files[made.Input]
	b.mu.Unlock()
	if !ok {
		refuse(w, http.StatusBadRequest, "", "there is no file "+made.Input)
		return
	}
	var results bytes.Buffer
	for _, line := range bytes.Split(bytes.TrimSpace(input), []byte("\n")) {
		results.Write(b.answer(r, line))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	output := b.next("file")
	b.files[output] = results.Bytes()
	made.ID, made.Output = b.next("batch"), &output
	b.byID[made.ID] = made
	b.order = append([]*batch{made}, b.order...)
	respond(w, http.StatusOK, made)
}

// answer plays one line of a batch's file, as the question that it is.
func (b *batches) answer(r *http.Request, line []byte) []byte {
	var asked struct {
		ID   string          `json:"custom_id"`
		Body json.RawMessage `json:"body"`
	}
	_ = json.Unmarshal(line, &asked) // what is none is answered as a question that cannot be read
	said := &heard{header: http.Header{}, status: http.StatusOK}
	question := r.Clone(r.Context())
	question.Body = io.NopCloser(bytes.NewReader(asked.Body))
	b.s.complete(said, question)
	result, _ := json.Marshal(map[string]any{"custom_id": asked.ID, "error": nil,
		"response": map[string]any{"status_code": said.status, "body": json.RawMessage(said.body.Bytes())}})
	return append(result, '\n')
}

// heard takes down what would be answered.
type heard struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *heard) Header() http.Header         { return h.header }
func (h *heard) WriteHeader(status int)      { h.status = status }
func (h *heard) Write(p []byte) (int, error) { return h.body.Write(p) }

func (b *batches) list(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	respond(w, http.StatusOK, map[string]any{"object": "list", "data": b.order, "has_more": false})
}

func (b *batches) show(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found, ok := b.byID[r.PathValue("id")]
	if !ok {
		refuse(w, http.StatusNotFound, "", "there is no such batch")
		return
	}
	respond(w, http.StatusOK, found)
}
