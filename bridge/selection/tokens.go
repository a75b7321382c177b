package selection

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tiktoken-go/tokenizer"
)

// o200k is the tokenizer of OpenAI's models since GPT-4o. It takes tens of milliseconds to load
// and is loaded when something has to be counted.
var o200k = sync.OnceValue(func() tokenizer.Codec {
	codec, err := tokenizer.Get(tokenizer.O200kBase)
	if err != nil {
		panic(fmt.Sprintf("loading o200k_base, which is compiled in: %v", err))
	}
	return codec
})

// Tokens is the number of o200k_base tokens in text.
func Tokens(text string) int {
	n, err := o200k().Count(text)
	if err != nil {
		return len(text) // never fewer than its tokens
	}
	return n
}

// densest is how many bytes one token can stand for in a definition, and then some: English is
// near 4.5, JSON near 4. Only a run of spaces is denser, and what is mostly
// spaces need not be counted to be refused.
const densest = 16

// counts keeps what each definition costs, counted at most once.
type counts struct {
	entries []Entry
	tokens  []atomic.Int32 // 0: not counted yet; else the tokens plus one
}

func newCounts(entries []Entry) *counts {
	return &counts{entries, make([]atomic.Int32, len(entries))}
}

// of is the tokens of an entry's definition.
func (c *counts) of(i int) int {
	if n := c.tokens[i].Load(); n > 0 {
		return int(n) - 1
	}
	n := Tokens(string(c.entries[i].Definition))
	c.tokens[i].Store(int32(n) + 1)
	return n
}

// within says whether entry i takes at most room tokens, and how many. It counts
// only if its bytes leave that open.
func (c *counts) within(i, room int) (int, bool) {
	if len(c.entries[i].Definition) > densest*room {
		return 0, false
	}
	n := c.of(i)
	return n, n <= room
}

// all is the tokens of all entries, and whether they are at most room; where even
// their bytes are, it is the bytes.
func (c *counts) all(room int) (int, bool) {
	bytes := 0
	for i := range c.entries {
		bytes += len(c.entries[i].Definition)
	}
	if bytes <= room {
		return bytes, true
	}
	sum := 0
	for i := range c.entries {
		n, fits := c.within(i, room-sum)
		if !fits {
			return 0, false
		}
		sum += n
	}
	return sum, true
}
