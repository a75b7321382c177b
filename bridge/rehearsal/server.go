package rehearsal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// ModelName is the only model the server has, and the one it says it is.
const ModelName = "rehearsal"

// maxRequest bounds a request's body, in bytes.
const maxRequest = 32 << 20

// Options of a Server.
type Options struct {
	// Now stamps the answers. It is time.Now by default.
	Now func() time.Time
}

// Server plays a script at POST /v1/chat/completions, whole or streamed, and
// names its model at GET /v1/models. It asks for no key. Batches of questions it answers as
// soon as they are made.
type Server struct {
	script *Script
	now    func() time.Time
	routes *http.ServeMux
	known  known
	shapes shapes
}

// NewServer makes the handler.
func NewServer(script *Script, o Options) *Server {
	s := &Server{script: script, now: o.Now, routes: http.NewServeMux()}
	if s.now == nil {
		s.now = time.Now
	}
	s.routes.HandleFunc("POST /v1/chat/completions", s.complete)
	s.routes.HandleFunc("GET /v1/models", s.models)
	s.routeBatches()
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, map[string]any{"object": "list", "data": []any{map[string]any{
		"id": ModelName, "object": "model", "created": s.now().Unix(), "owned_by": "drawbridge",
	}}})
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request) {
	var q request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&q); err != nil {
		refuse(w, http.StatusBadRequest, "", "the body cannot be read: "+err.Error())
		return
	}
	if q.Model != ModelName {
		refuse(w, http.StatusNotFound, "model_not_found", fmt.Sprintf("there is no model %q here: this is a rehearsal, and its only model is %q", q.Model, ModelName))
		return
	}
	if err := s.check(q); err != nil {
		refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	talk := listen(q.Messages)
	answer, delay := s.script.play(talk, s.strict(q.Tools))
	if !hold(r, delay) {
		return // nobody is listening any more
	}
	out := completion{
		ID:      "chatcmpl-rehearsal-" + strconv.Itoa(talk.turn),
		Created: s.now().Unix(),
		Model:   ModelName,
		Usage:   count(q, answer),
	}
	if q.Stream {
		stream(w, out, answer, q.StreamOptions != nil && q.StreamOptions.IncludeUsage)
		return
	}
	finish := finishReason(answer)
	out.Object = "chat.completion"
	out.Choices = []choice{{Message: &answer, FinishReason: &finish}}
	respond(w, http.StatusOK, out)
}

// hold waits as long as a scene asks, and reports whether the caller did too.
func hold(r *http.Request, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// play answers a conversation, and says how long to hold the answer back.
func (s *Script) play(c *conversation, strict strictShapes) (reply, time.Duration) {
	scene, ok := s.find(c)
	if !ok {
		return declined(fmt.Sprintf("The rehearsal model has no scene for this conversation: turn %d, user %q. "+
			"It only plays its script; add a scene, or connect a real model.", c.turn, opening(c.user))), 0
	}
	answer, err := scene.answer(c, strict)
	if err != nil {
		return declined("The rehearsal model cannot play its scene: " + err.Error()), 0
	}
	return answer, time.Duration(scene.Delay)
}

// declined is what OpenAI's models answer to what they will not do: a run must not
// count as done because its script ran out.
func declined(text string) reply { return reply{Role: "assistant", Refusal: &text} }

func (s scene) answer(c *conversation, strict strictShapes) (reply, error) {
	out := reply{Role: "assistant"}
	if s.Say != nil {
		said, err := s.Say.value(c)
		if err != nil {
			return reply{}, err
		}
		text := fmt.Sprint(said)
		out.Content = &text
	}
	for i, call := range s.Call {
		arguments, err := call.arguments(c, strict)
		if err != nil {
			return reply{}, err
		}
		out.ToolCalls = append(out.ToolCalls, toolCall{
			ID:       "call_" + strconv.Itoa(c.calls+i+1),
			Type:     "function",
			Function: functionCall{Name: call.Tool, Arguments: &arguments},
		})
	}
	return out, nil
}

func finishReason(r reply) string {
	if len(r.ToolCalls) > 0 {
		return "tool_calls"
	}
	return "stop"
}

// count estimates tokens at four bytes each.
func count(q request, r reply) *usage {
	const bytesPerToken = 4
	prompt, completion := 0, 0
	for _, m := range q.Messages {
		prompt += len(m.Content.text)
		for _, c := range m.ToolCalls {
			prompt += len(c.Function.Name) + len(*c.Function.Arguments)
		}
	}
	for _, t := range q.Tools {
		prompt += len(t.Function.Name) + len(t.Function.Parameters)
	}
	for _, text := range []*string{r.Content, r.Refusal} {
		if text != nil {
			completion += len(*text)
		}
	}
	for _, c := range r.ToolCalls {
		completion += len(c.Function.Name) + len(*c.Function.Arguments)
	}
	u := &usage{Prompt: prompt/bytesPerToken + 1, Completion: completion/bytesPerToken + 1}
	u.Total = u.Prompt + u.Completion
	return u
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	f := failure{Message: message, Type: "invalid_request_error"}
	if code != "" {
		f.Code = &code
	}
	respond(w, status, map[string]failure{"error": f})
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
