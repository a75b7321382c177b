package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// accepted is the answer to a delivery that is stored. Of several events in one it
// holds the first one's id, whether all were known, and each.
type accepted struct {
	ID        string       `json:"id"`
	Duplicate bool         `json:"duplicate"`
	Events    []storedPart `json:"events,omitempty"`
}

type storedPart struct {
	ID        string `json:"id"`
	Duplicate bool   `json:"duplicate"`
}

// Answer is what the sender of a stored delivery hears.
type Answer struct {
	Status int    // 200, 202 or 204; 0 means 200
	Body   string // "" for the event's id as JSON
}

func (a Answer) check() error {
	switch a.Status {
	case http.StatusOK, http.StatusAccepted:
	case http.StatusNoContent:
		if a.Body != "" {
			return errors.New("an answer with status 204 has no body")
		}
	default:
		return fmt.Errorf("status %d is no answer to a stored delivery", a.Status)
	}
	return nil
}

// asJSON is the type of nearly all answers. Nobody changes it in place.
var asJSON = []string{"application/json"}

// stored says that everything is on disk: in the words of the sender's protocol, if
// it has any, else in the operator's, else in ours.
func (a Answer) stored(w http.ResponseWriter, reply *Reply, receipts []Receipt) {
	switch {
	case reply != nil:
		answerReply(w, *reply)
	case a.Status == http.StatusNoContent:
		w.WriteHeader(a.Status)
	case a.Body != "":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if json.Valid([]byte(a.Body)) {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(a.Status)
		_, _ = io.WriteString(w, a.Body)
	case len(receipts) == 1 && !receipts[0].Duplicate && isWord(receipts[0].ID):
		// What nearly all senders hear, without the work of an encoder.
		w.Header()["Content-Type"] = asJSON
		w.WriteHeader(a.Status)
		_, _ = io.WriteString(w, `{"id":"`+receipts[0].ID+`","duplicate":false}`+"\n")
	default:
		answer(w, a.Status, describe(receipts))
	}
}

// isWord reports whether a text stands in JSON as it is.
func isWord(text string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

func describe(receipts []Receipt) accepted {
	got := accepted{ID: receipts[0].ID, Duplicate: true}
	for _, r := range receipts {
		got.Duplicate = got.Duplicate && r.Duplicate
		if len(receipts) > 1 {
			got.Events = append(got.Events, storedPart{r.ID, r.Duplicate})
		}
	}
	return got
}

// answerReply writes the bytes as they are: some senders compare them.
func answerReply(w http.ResponseWriter, reply Reply) {
	w.Header().Set("Content-Type", reply.ContentType)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(reply.Body)
}

// advice is the whole of what a refused sender hears: what the operator can do,
// and never which check failed, which would help whoever is guessing.
var advice = map[int]string{
	http.StatusBadRequest:            "the delivery is malformed; compare the source's scheme with what the sender sends. The reason is recorded with the rejected deliveries",
	http.StatusUnauthorized:          "the delivery could not be verified; compare the source's scheme and secrets with the sender's. The reason is recorded with the rejected deliveries",
	http.StatusForbidden:             "the question was not answered; compare the source's verify_token with the sender's",
	http.StatusNotFound:              "no webhook source is served here; compare the path with the sources in the configuration",
	http.StatusMethodNotAllowed:      "webhooks are delivered by POST",
	http.StatusRequestEntityTooLarge: "the body is larger than this source takes; raise the source's limit if the sender is right",
	http.StatusUnsupportedMediaType:  "this source does not take deliveries of this content type; compare its content_types with what the sender sends",
	http.StatusTooManyRequests:       "too many deliveries at once; send it again later",
	http.StatusServiceUnavailable:    "the event could not be stored; send it again later",
}

// slowAdvice goes to a sender whose body did not arrive in time.
const slowAdvice = "the request body did not arrive in time; send the event again later"

func answerError(w http.ResponseWriter, status int) { answerText(w, status, advice[status]) }

func answerText(w http.ResponseWriter, status int, text string) {
	answer(w, status, struct {
		Error string `json:"error"`
	}{text})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An error here means the sender has gone; it will send again.
	_ = json.NewEncoder(w).Encode(body)
}
