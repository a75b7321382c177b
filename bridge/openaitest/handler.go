package openaitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Options of a Handler. The zero value takes any key and knows any model.
type Options struct {
	// Key, if there is one, has to come as the bearer token; anything else is 401.
	Key string
	// Models, if there are any, are all that exist; another is 404.
	Models []string
	// Forget keeps no requests, for benchmarks that would fill the memory with them.
	// Violations are kept.
	Forget bool
}

// Violation is a rule of the protocol that a request broke.
type Violation struct {
	Request int    // from 0, in order of arrival
	Param   string // where, as the API names it: messages[1].content
	Text    string // what is wrong, as the API says it
}

func (v Violation) String() string {
	return fmt.Sprintf("request %d: %s: %s", v.Request, v.Param, v.Text)
}

// Handler is the server: POST /v1/chat/completions and /v1/responses, GET /v1/models, and
// what there is for batches.
// It is safe for concurrent use.
type Handler struct {
	o       Options
	routes  *http.ServeMux
	closing chan struct{}
	known   offers
	issued  issued
	batches *batches

	mu         sync.Mutex
	queue      []Reply
	answer     func(Request) Reply
	count      int
	requests   []Request
	violations []Violation
	prompts    map[string][]byte // the latest of each conversation
}

// NewHandler makes a server without a test. It answers 500 until it is told what
// to answer.
func NewHandler(o Options) *Handler {
	h := &Handler{o: o, routes: http.NewServeMux(), closing: make(chan struct{}), prompts: map[string][]byte{}}
	h.routes.HandleFunc("POST /v1/chat/completions", h.serve(Chat))
	h.routes.HandleFunc("POST /v1/responses", h.serve(Responses))
	h.routes.HandleFunc("GET /v1/models", h.models)
	h.routes.HandleFunc("GET /v1/models/{id}", h.model)
	h.batches = newBatches(h)
	h.routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, problem{Message: fmt.Sprintf("Invalid URL (%s %s)", r.Method, r.URL.Path), Type: "invalid_request_error"})
	})
	return h
}

// Answer adds replies to the queue: each is given once, in order.
func (h *Handler) Answer(replies ...Reply) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queue = append(h.queue, replies...)
}

// Always gives one reply whenever the queue is empty.
func (h *Handler) Always(reply Reply) { h.Func(func(Request) Reply { return reply }) }

// Func answers whenever the queue is empty. It is called from many goroutines.
func (h *Handler) Func(answer func(Request) Reply) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

// Requests are all that came so far, in order of arrival, those that broke a rule
// included.
func (h *Handler) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.requests)
}

// Violations are the rules broken so far.
func (h *Handler) Violations() []Violation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.violations)
}

// Unused is how many replies are still in the queue.
func (h *Handler) Unused() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.queue)
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.o.Key != "" && r.Header.Get("Authorization") != "Bearer "+h.o.Key {
		refuse(w, http.StatusUnauthorized, problem{Message: "Incorrect API key provided.", Type: "invalid_request_error", Code: nullable("invalid_api_key")})
		return
	}
	h.routes.ServeHTTP(w, r)
}

func (h *Handler) serve(api API) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := readAll(r)
		if err != nil {
			return // the client broke off
		}
		q := Request{API: api, Header: r.Header.Clone(), Body: body}
		found := h.check(&q)
		number := h.record(&q, found)
		switch {
		case len(found) > 0:
			refuse(w, http.StatusBadRequest, problem{Message: found[0].Text, Type: "invalid_request_error", Param: nullable(found[0].Param), Code: nullable("invalid_value")})
			return
		case !h.exists(q.Model):
			refuse(w, http.StatusNotFound, problem{Message: fmt.Sprintf("The model `%s` does not exist or you do not have access to it.", q.Model), Type: "invalid_request_error", Code: nullable("model_not_found")})
			return
		}
		h.reply(&sender{w: w, r: r, closing: h.closing}, &q, number)
	}
}

// record keeps the request and gives it its number.
func (h *Handler) record(q *Request, found []Violation) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	number := h.count
	h.count++
	for _, v := range found {
		v.Request = number
		h.violations = append(h.violations, v)
	}
	if h.o.Forget {
		return number
	}
	key := q.conversation()
	q.Shared = shared(h.prompts[key], q.Prompt)
	h.prompts[key] = q.Prompt
	h.requests = append(h.requests, *q)
	return number
}

// next takes the reply from the queue, or asks for one.
func (h *Handler) next(q Request) (Reply, bool) {
	h.mu.Lock()
	if len(h.queue) > 0 {
		reply := h.queue[0]
		h.queue = h.queue[1:]
		h.mu.Unlock()
		return reply, true
	}
	answer := h.answer
	h.mu.Unlock()
	if answer == nil {
		return Reply{}, false
	}
	return answer(q), true
}

func (h *Handler) reply(s *sender, q *Request, number int) {
	reply, ok := h.next(*q)
	if !ok {
		h.unexpected(number)
		reply = Fail(http.StatusInternalServerError, ErrorIs("server_error", "", "The test has no reply for this request."))
	}
	s.wire = reply.wire
	if !s.begin() {
		return
	}
	for name, values := range reply.header {
		s.w.Header()[name] = values
	}
	s.w.Header().Set("X-Request-Id", "req_"+strconv.Itoa(number))
	a := answer{Reply: reply.named(number), number: number, now: time.Now().Unix(), request: q, usage: reply.count(q)}
	switch {
	case reply.body != nil:
		s.body(reply.status, reply.body.contentType, []byte(reply.body.text))
	case reply.status != 0:
		s.body(reply.status, "application/json", encoded(map[string]problem{"error": reply.problem}))
	case q.API == Responses:
		h.respond(s, a)
	case q.Stream && !reply.shape.plain:
		s.stream(a.chunks(), reply.shape.failInStream == nil)
	default:
		s.body(http.StatusOK, "application/json", encoded(a.completion()))
	}
}

// unexpected marks a request that the test did not expect.
func (h *Handler) unexpected(number int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.violations = append(h.violations, Violation{Request: number, Text: "there is no reply left for it"})
}

func refuse(w http.ResponseWriter, status int, p problem) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(encoded(map[string]problem{"error": p}))
}

// encoded is for values of ours, which have no way to fail.
func encoded(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}

// Close lets replies that are held up break off. It is for handlers without a test.
func (h *Handler) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.closing:
	default:
		close(h.closing)
	}
}
