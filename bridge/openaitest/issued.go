package openaitest

import (
	"fmt"
	"sync"
)

// issued remembers the reasoning that the server gave out, and what followed it: a
// client that keeps the conversation itself has to give back both.
type issued struct {
	mu       sync.Mutex
	content  map[string]string // by reasoning id: its encrypted content, "" if not asked for
	next     map[string]string // by reasoning id: the item right behind it
	thoughts map[string]string // by item id and by call id: the reasoning before it
}

// add takes one answer's items. A call that followed a call rests on the same thought.
func (s *issued) add(reasoning, content, next string, ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.content == nil {
		s.content, s.next, s.thoughts = map[string]string{}, map[string]string{}, map[string]string{}
	}
	s.content[reasoning], s.next[reasoning] = content, next
	for _, id := range ids {
		s.thoughts[id] = reasoning
	}
}

// follows reports whether an item is what came behind a reasoning item. An id that
// was never given out proves nothing.
func (s *issued) follows(reasoning, item string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, known := s.next[reasoning]
	return !known || next == item
}

// reasoningOf is the reasoning that an item needs before it, "" if none.
func (s *issued) reasoningOf(item, call string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if thought := s.thoughts[item]; item != "" && thought != "" {
		return thought
	}
	if call == "" {
		return ""
	}
	return s.thoughts[call]
}

// sealedAs reports whether a reasoning item came back with the content it was given.
func (s *issued) sealedAs(reasoning, content string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return content != "" && s.content[reasoning] == content
}

// seal is what only the server could read.
func seal(number int) string { return fmt.Sprintf("sealed-%d-AAAA", number) }
