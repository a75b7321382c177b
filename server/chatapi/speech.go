package chatapi

import (
	"bytes"
	"strings"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// speech makes one message of what a run says in several turns: one blank line between
// the words of two turns, none at the beginning, and no empty paragraphs. What it
// gives to say depends on the words only, not on the pieces they come in.
//
// What a caller was shown cannot be taken back. When the model is asked anew in the
// middle of a turn, its new words are held against those that were shown, and only what
// goes beyond them is said. Where they differ they are said again from their beginning,
// as a paragraph of their own: a caller that reads a sentence twice can tell what
// happened, and one whose text changes its meaning in mid-sentence cannot.
//
// An answer that a program reads has to be one piece of JSON: then only the words of the
// last turn are said, all at once.
type speech struct {
	say       func(text string)
	lastOnly  bool // the answer is for a program
	spoke     bool // the model has said something in some turn
	said      bool // something was given to say
	paragraph bool // what comes next begins one
	blanks    []byte

	turn  int
	shown []byte // of this turn, from where its words last began
	heard int    // how much of it the model has said, counted from when it was last asked
}

func newSpeech(lastOnly bool, say func(text string)) *speech {
	return &speech{say: say, lastOnly: lastOnly, paragraph: true}
}

// hear takes what a run did. Most of it are not words.
func (s *speech) hear(e bridge.Event) {
	switch e.Kind {
	case bridge.Words:
		s.enter(e.Turn)
		s.words(e.Text)
	case bridge.Turned:
		s.enter(e.Turn)
		s.whole(e.Text)
	case bridge.Again, dispatch.Parked, dispatch.Resumed:
		s.heard = 0
	}
}

// enter begins a turn, unless it is under way.
func (s *speech) enter(turn int) {
	if turn == s.turn {
		return
	}
	s.turn, s.shown, s.heard = turn, s.shown[:0], 0
	s.begin()
}

// words takes the next words of the turn.
func (s *speech) words(text string) {
	same := common(s.shown[s.heard:], text)
	if s.heard += same; same == len(text) {
		return
	}
	if s.heard < len(s.shown) {
		s.restate(string(s.shown[:s.heard]) + text[same:])
		return
	}
	s.shown = append(s.shown, text[same:]...)
	s.heard = len(s.shown)
	s.tell(text[same:])
}

// whole takes all the words of the turn, of which some or all may have been heard.
func (s *speech) whole(text string) {
	if text == "" {
		return
	}
	if rest, goesOn := strings.CutPrefix(text, string(s.shown[:s.heard])); goesOn {
		s.words(rest)
	}
	if string(s.shown) != text {
		s.restate(text)
	}
}

// restate says the turn's words from their beginning.
func (s *speech) restate(text string) {
	s.begin()
	s.shown = append(s.shown[:0], text...)
	s.heard = len(s.shown)
	s.tell(text)
}

// begin begins a paragraph. Blanks at the end of the one before are dropped.
func (s *speech) begin() { s.paragraph, s.blanks = true, s.blanks[:0] }

// tell gives words to say. Blanks are held back until words follow.
func (s *speech) tell(text string) {
	s.spoke = true
	if s.lastOnly {
		return
	}
	if s.paragraph {
		if text = s.opening(text); text == "" {
			return
		}
	}
	end := len(strings.TrimRight(text, blank))
	if end == 0 {
		s.blanks = append(s.blanks, text...)
		return
	}
	solid := text[:end]
	if len(s.blanks) > 0 {
		solid = string(s.blanks) + solid
	}
	s.blanks = append(s.blanks[:0], text[end:]...)
	s.said = true
	s.say(solid)
}

const blank = " \t\r\n"

// opening is how a paragraph begins: without blank lines, behind one if it is not the
// first, and with the blanks that indent its first line. It is "" while there are
// only blanks.
func (s *speech) opening(text string) string {
	solid := strings.TrimLeft(text, blank)
	s.blanks = append(s.blanks, text[:len(text)-len(solid)]...)
	s.blanks = s.blanks[bytes.LastIndexByte(s.blanks, '\n')+1:]
	if solid == "" {
		return ""
	}
	indent := string(s.blanks)
	s.paragraph, s.blanks = false, nil
	if s.said {
		return "\n\n" + indent + solid
	}
	return indent + solid
}

// last is what the model said in its last turn.
func (s *speech) last() string { return strings.TrimSpace(string(s.shown)) }

// close says what is left to say, and more if there is more, as a paragraph. A
// program gets either.
func (s *speech) close(more string) {
	if s.lastOnly {
		s.lastOnly = false
		if more == "" {
			s.tell(string(s.shown))
		}
	}
	if more != "" {
		s.begin()
		s.tell(more)
		s.blanks = nil
	}
	if !s.paragraph && len(s.blanks) > 0 {
		s.say(string(s.blanks))
	}
}

// common is how many bytes two texts have in common at their beginnings.
func common(shown []byte, text string) int {
	n := min(len(shown), len(text))
	for i := range n {
		if shown[i] != text[i] {
			return i
		}
	}
	return n
}
