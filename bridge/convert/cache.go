package convert

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// Cache keeps functions by the definition of their tools, so that a tool that is
// listed again and again is converted once. It is safe for concurrent use.
type Cache struct {
	size  int
	mutex sync.Mutex
	kept  map[[sha256.Size]byte]*conversion
	order [][sha256.Size]byte // oldest first
}

// conversion is a conversion that is done, or under way.
type conversion struct {
	once     sync.Once
	function *Function
	err      error
}

// NewCache makes a cache for that many functions, at least one. Beyond that the
// oldest are forgotten.
func NewCache(size int) *Cache {
	return &Cache{size: max(1, size), kept: map[[sha256.Size]byte]*conversion{}}
}

// Convert is like the function Convert. Callers that ask for the same tool at the
// same time share one conversion.
func (c *Cache) Convert(t Tool) (*Function, error) {
	one := c.find(digest(t))
	one.once.Do(func() { one.function, one.err = Convert(t) })
	return one.function, one.err
}

func (c *Cache) find(key [sha256.Size]byte) *conversion {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if one := c.kept[key]; one != nil {
		return one
	}
	if len(c.order) == c.size {
		delete(c.kept, c.order[0])
		c.order = c.order[1:]
	}
	one := &conversion{}
	c.kept[key] = one
	c.order = append(c.order, key)
	return one
}

// digest tells definitions apart by all that goes into a function.
func digest(t Tool) [sha256.Size]byte {
	var b []byte
	for _, part := range []string{t.Name, t.Title, t.Description, string(t.Input)} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return sha256.Sum256(b)
}
