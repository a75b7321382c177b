package selection

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed lexicon.txt
var lexiconText string

// vocabulary is lexicon.txt, read.
type vocabulary struct {
	stop map[string]bool
	long map[string][]string // an abbreviation's words, as stems
	near map[string][]string // the stems that may stand for a stem
}

// lexicon is read at the first search: a bridge whose functions all fit never needs it.
var lexicon = sync.OnceValue(func() *vocabulary {
	v := &vocabulary{stop: map[string]bool{}, long: map[string][]string{}, near: map[string][]string{}}
	part := ""
	for line := range strings.Lines(lexiconText) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			part = line
		case part == "[stop]":
			for word := range strings.FieldsSeq(line) {
				v.stop[word] = true
			}
		case part == "[abbreviations]":
			short, long, _ := strings.Cut(line, "=")
			v.long[strings.TrimSpace(short)] = stems(long)
		default:
			v.learn(line)
		}
	}
	return v
})

// learn reads a line of meanings: each of its words may stand for the English ones.
func (v *vocabulary) learn(line string) {
	english, foreign, _ := strings.Cut(line, "|")
	same := stems(english)
	for _, word := range append(stems(foreign), same...) {
		for _, other := range same {
			if other != word {
				v.near[word] = append(v.near[word], other)
			}
		}
	}
}

func stems(line string) []string {
	var all []string
	for word := range strings.FieldsSeq(line) {
		all = append(all, stem(fold(word)))
	}
	return all
}
