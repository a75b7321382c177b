package bridge

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/selection"
)

// offer is what one request carries of a session's functions: all of them, or,
// where that is more than a request takes, those that suit the run best and
// find_tools for the rest. It follows from the history alone, so that a resumed
// run offers what it offered before, and it changes only when the run has found or
// used what was not in it: until then the head of every request stays the same,
// byte for byte, and in the provider's cache.
type offer struct {
	functions []openai.Function
	names     []string
	leftOut   []string
	noRoom    []string // of those that had to go in
}

// offered gives what the next request carries: what the brief says, and after each turn
// that used or found something else, or brought new words of the caller, a new choice with
// that in it. It goes through all turns, so that a resumed run comes to the same choices.
func (r *run) offered() *offer {
	h := r.history
	if r.offer == nil {
		r.offer = r.functions.choose(h.brief, nil)
	}
	for ; r.seen < len(h.turns); r.seen++ {
		t := h.turns[r.seen]
		if len(t.inputs()) > 0 || r.offer.lacks(r.functions.wanted(t)) {
			r.offer = r.functions.choose(h.brief, h.turns[:r.seen+1])
		}
	}
	return r.offer
}

// lacks reports whether any of the names is not offered.
func (o *offer) lacks(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(o.names, name) })
}

// choose makes the offer that follows these turns. The caller's own functions come
// last, as the caller wrote them; ours make room for them.
func (f *functions) choose(b Brief, turns []*turn) *offer {
	said, theirs := b.said(turns)
	choice := f.index.Choose(selection.Query{
		Messages: said,
		Always:   f.keep(turns, b.Always),
		Limits:   b.Limits,
		// read_result goes into every request.
		Reserved:       1 + len(theirs.functions),
		ReservedTokens: readResultTokens,
	})
	return f.offers.of(choice, f.list).with(theirs)
}

// shared keeps the offers that were made: runs that ask for much the same are offered
// the same, and many of them may wait at once.
type shared struct {
	mu   sync.Mutex
	made map[[sha256.Size]byte]*offer
}

// mostShared bounds the offers that are kept. Beyond it all are made anew.
const mostShared = 256

func (s *shared) of(choice selection.Choice, list func(selection.Choice) *offer) *offer {
	sum := sha256.New()
	for _, names := range [][]string{choice.Offered, choice.NoRoom} {
		for _, name := range names {
			sum.Write(append([]byte(name), ' ')) // no name holds a blank
		}
		sum.Write([]byte{0})
	}
	key := [sha256.Size]byte(sum.Sum(nil))
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.made[key]; o != nil {
		return o
	}
	if s.made == nil || len(s.made) >= mostShared {
		s.made = map[[sha256.Size]byte]*offer{}
	}
	s.made[key] = list(choice)
	return s.made[key]
}

// list makes an offer of what was chosen, behind the bridge's own functions.
func (f *functions) list(choice selection.Choice) *offer {
	o := &offer{leftOut: choice.LeftOut, noRoom: choice.NoRoom}
	o.add(readResult)
	if !choice.All {
		find := f.index.FindTools()
		o.add(openai.Function{Name: find.Name, Description: find.Description, Parameters: find.Parameters, Strict: true})
	}
	for _, name := range choice.Offered {
		o.add(f.byName[name].definition)
	}
	return o
}

// with is the offer with the caller's functions. A tool that came to be after one of
// its name gives way.
func (o *offer) with(theirs demand) *offer {
	if len(theirs.functions) == 0 {
		return o
	}
	with := *o
	with.functions = slices.DeleteFunc(slices.Clone(o.functions), func(f openai.Function) bool { return theirs.has(f.Name) })
	with.functions = append(with.functions, theirs.functions...)
	return &with
}

// said is what was said to the agent up to and with these turns, and what functions
// the caller has by then.
func (b *Brief) said(turns []*turn) ([]string, demand) {
	said, theirs := []string{b.Instructions}, demand{}
	if b.Conversation == nil {
		said = append(said, b.Prompt)
	} else {
		said, theirs.functions = append(said, words(b.Conversation.Messages)...), b.Conversation.Functions
	}
	for _, t := range turns {
		for _, input := range t.inputs() {
			said = append(said, words(input.Messages)...)
			theirs.take(input, 0)
		}
	}
	return said, theirs
}

// words are the texts of what users said.
func words(messages []openai.Message) []string {
	var out []string
	for _, m := range messages {
		if m.Role != openai.User {
			continue
		}
		text := m.Content
		for _, part := range m.Parts {
			var on struct{ Text string }
			if kindOf(part) == "text" && json.Unmarshal(part, &on) == nil {
				text += on.Text
			}
		}
		out = append(out, text)
	}
	return out
}

func (t *turn) inputs() []*Input {
	var out []*Input
	for _, a := range t.after {
		if a.input != nil {
			out = append(out, a.input)
		}
	}
	return out
}

// readResultTokens is what read_result's definition takes, so that the tokenizer need
// not be loaded for it.
const readResultTokens = 190

func (o *offer) add(f openai.Function) {
	o.functions = append(o.functions, f)
	o.names = append(o.names, f.Name)
}

// keep names the functions that go into a request after these turns, those that the
// run needs most first: used, found, and configured to be there always.
func (f *functions) keep(turns []*turn, always []string) []string {
	var keep []string
	taken := map[string]bool{}
	add := func(names []string) {
		for _, name := range names {
			if !taken[name] {
				taken[name] = true
				keep = append(keep, name)
			}
		}
	}
	for _, t := range turns {
		add(f.used(t))
	}
	for _, t := range slices.Backward(turns) { // what was found last is wanted now
		add(f.found(t))
	}
	add(f.matching(always))
	return keep
}

// wanted names the functions that a turn used or found.
func (f *functions) wanted(t *turn) []string { return append(f.used(t), f.found(t)...) }

func (f *functions) used(t *turn) []string {
	var names []string
	for _, c := range t.calls {
		if f.byName[c.asked.Name] != nil {
			names = append(names, c.asked.Name)
		}
	}
	return names
}

func (f *functions) found(t *turn) []string {
	var names []string
	for _, c := range t.calls {
		if c.result == nil {
			continue
		}
		for _, name := range c.result.Found {
			if f.byName[name] != nil {
				names = append(names, name)
			}
		}
	}
	return names
}

// matching lists the functions whose tools fit any of the patterns, in which *
// stands for any run of characters.
func (f *functions) matching(patterns []string) []string {
	if len(patterns) == 0 {
		return nil
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(f.byName)) {
		if slices.ContainsFunc(patterns, func(p string) bool { return matches(p, f.byName[name].Name) }) {
			names = append(names, name)
		}
	}
	return names
}

func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(name, first) {
		return false
	}
	name = name[len(first):]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name = rest
	}
	return strings.HasSuffix(name, last)
}
