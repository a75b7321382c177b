package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// secret signs what comes in and what goes out.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

// sign is a signature by Standard Webhooks, version v1.
func sign(id, timestamp string, body []byte) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")) // a constant
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(id + "." + timestamp + ".")) // never fails
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// told is a callback that came, as often as it did.
type told struct {
	ID    string `json:"id"`
	Run   string `json:"run"`
	State string `json:"state"`
	Times int    `json:"times"`
	Valid bool   `json:"valid"` // every time: signed as it has to be, and about one run
	Taken bool   `json:"taken"` // answered with 2xx once
}

// receiver is who wants to know how runs ended.
type receiver struct {
	calm func() bool

	mu   sync.Mutex
	told map[string]*told
}

func newReceiver(calm func() bool) *receiver { return &receiver{calm: calm, told: map[string]*told{}} }

func (c *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		panic(http.ErrAbortHandler) // its sender is gone
	}
	taken := c.calm() || rand.IntN(20) > 0
	c.note(r.Header, body, taken)
	switch {
	case taken:
		w.WriteHeader(http.StatusNoContent)
	case rand.IntN(2) == 0:
		w.WriteHeader(http.StatusInternalServerError)
	default:
		panic(http.ErrAbortHandler) // it has heard it, and the sender does not know
	}
}

func (c *receiver) note(header http.Header, body []byte, taken bool) {
	var report struct {
		Data struct{ Run, State string }
	}
	readable := json.Unmarshal(body, &report) == nil && report.Data.Run != ""
	id := header.Get("webhook-id")
	valid := readable && signedBy(header, id, body)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.told[id]
	if t == nil {
		t = &told{ID: id, Run: report.Data.Run, State: report.Data.State, Valid: true}
		c.told[id] = t
	}
	t.Times++
	t.Taken = t.Taken || taken
	t.Valid = t.Valid && valid && t.Run == report.Data.Run && t.State == report.Data.State
}

func signedBy(header http.Header, id string, body []byte) bool {
	timestamp := header.Get("webhook-timestamp")
	want := sign(id, timestamp, body)
	for signature := range strings.FieldsSeq(header.Get("webhook-signature")) {
		if hmac.Equal([]byte(signature), []byte(want)) {
			return timestamp != "" && timestamp <= stamp(time.Now().Add(time.Minute))
		}
	}
	return false
}

func (c *receiver) all() []told {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]told, 0, len(c.told))
	for _, t := range c.told {
		list = append(list, *t)
	}
	return list
}
