package bridge

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// A call that is made again and again, with the same arguments and the same result,
// brings nothing: from the third time on the model is told so, the fifth ends the
// run. All functions count alike, those of the bridge too: what read_result or
// find_tools said before they will say again.
const (
	hintAt = 3
	loopAt = 5
)

// repeats counts calls that came out the same. Those of one answer count once: the
// model asked for them before it saw any result. The count starts over when
// something new was changed (reading again is then reading something else), when
// old results go out of the model's sight, and when the caller speaks.
type repeats struct {
	seen   map[[sha256.Size]byte]bool // ever
	counts map[[sha256.Size]byte]repeat
}

type repeat struct {
	answer int64 // that asked last
	times  int
}

// count sets the times of a call that has just got its result.
func (r *repeats) count(answer int64, c *call) {
	if r.seen == nil {
		r.seen, r.counts = map[[sha256.Size]byte]bool{}, map[[sha256.Size]byte]repeat{}
	}
	digest := c.digest()
	if !r.seen[digest] && c.changed() {
		r.forget()
	}
	r.seen[digest] = true
	n := r.counts[digest]
	if n.answer != answer {
		n = repeat{answer, n.times + 1}
		r.counts[digest] = n
	}
	if c.times = n.times; c.times >= hintAt {
		c.hint = hintText(c.times)
	}
}

func (r *repeats) forget() { clear(r.counts) }

// changed reports whether the call changed something, or may have.
func (c *call) changed() bool {
	return c.intent != nil && c.intent.Effect != Read && !c.result.IsError
}

// digest is the same for calls that are the same and came out the same.
func (c *call) digest() [sha256.Size]byte {
	sum := sha256.New()
	for _, part := range []string{c.asked.Name, canonical(c.asked.Arguments), c.result.Content} {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return [sha256.Size]byte(sum.Sum(nil))
}

// canonical writes JSON in one way, whatever the order of its members and its white
// space. What is no JSON stays as it is.
func canonical(text string) string {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || decoder.More() {
		return text
	}
	return string(encode(value))
}

// hintText is what the model is told behind the result of a call that it makes for
// the n-th time. It follows from the journal, so that it never changes.
func hintText(n int) string {
	return fmt.Sprintf("\n[This is the same call with the same result for the %s time. Calling it again will bring nothing new: "+
		"do something else, or answer with what you have.]", map[int]string{3: "third", 4: "fourth", 5: "fifth"}[min(n, loopAt)])
}
