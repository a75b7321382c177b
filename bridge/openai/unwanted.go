package openai

import (
	"errors"
	"strings"
	"sync"
)

// optional is a member of a request that an answer is better for, and that not every
// server takes.
type optional struct {
	mention string // what a server says that does not take it, in lower case
}

var (
	streamOptions = optional{"stream_options"}
	encrypted     = optional{"encrypted"} // models that do not reason refuse to give what they reasoned
)

// unwanted remembers which models do not take what. They say so once, and are asked
// again without it.
type unwanted struct {
	mu   sync.RWMutex
	seen map[refusal]bool
}

type refusal struct {
	model string
	what  optional
}

// by reports whether the model does not take it.
func (u *unwanted) by(model string, what optional) bool {
	u.mu.RLock()
	defer u.mu.RUnlock()
	return u.seen[refusal{model, what}]
}

func (u *unwanted) learn(model string, what optional) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.seen == nil {
		u.seen = map[refusal]bool{}
	}
	u.seen[refusal{model, what}] = true
}

// mentioned finds what an error says that the server does not take.
func mentioned(err error) (optional, bool) {
	var e *Error
	if errors.As(err, &e) && e.Reason == BadRequest {
		for _, what := range []optional{streamOptions, encrypted} {
			if strings.Contains(strings.ToLower(e.Message), what.mention) {
				return what, true
			}
		}
	}
	return optional{}, false
}
