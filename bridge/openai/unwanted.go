package openai

import (
	"errors"
	"slices"
	"strings"
	"sync"
)

// optional is a member of a request that an answer is better for, or that has another
// name elsewhere, and that not every server takes.
type optional struct {
	mention string // what a server says that does not take it, in lower case
	unknown bool   // only if it says that it does not know it: values can be wrong, too
}

var (
	streamOptions       = optional{mention: "stream_options"}
	encrypted           = optional{mention: "encrypted"} // models that do not reason refuse to give what they reasoned
	maxCompletionTokens = optional{mention: "max_completion_tokens", unknown: true}
	promptCacheKey      = optional{mention: "prompt_cache_key", unknown: true}
	noThoughtsBack      = optional{mention: "reasoning_content"}      // answers of its own without what it thought
	systemAnywhere      = optional{mention: "system message must be"} // at the beginning: one, and no more
	metadata            = optional{mention: "metadata"}
)

// notKnown is how servers say that they do not know a member.
var notKnown = []string{"unknown", "unrecognized", "unsupported", "not supported", "unexpected", "extra", "not permitted", "not allowed"}

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
		said := strings.ToLower(e.Message)
		for _, what := range []optional{streamOptions, encrypted, maxCompletionTokens, promptCacheKey, noThoughtsBack, systemAnywhere, metadata} {
			if strings.Contains(said, what.mention) && (!what.unknown || containsAny(said, notKnown)) {
				return what, true
			}
		}
	}
	return optional{}, false
}

func containsAny(text string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}
