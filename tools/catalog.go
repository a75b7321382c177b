package tools

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Catalog is the ordered set of tools of one process: those of the families, which
// stay as they are, and those of mounts, which come and go. Its order is by name,
// so that lists are the same between requests and restarts.
//
// It may be read while it changes: who reads sees all of a change or nothing of it.
type Catalog struct {
	families []Tool
	now      atomic.Pointer[snapshot]

	changing sync.Mutex // held while a new snapshot is made
	mounts   map[string][]Tool
	watching sync.Mutex
	watchers []func()
}

// snapshot is the catalog at one time. It never changes.
type snapshot struct {
	list   []Tool
	byName map[string]Tool
}

// NewCatalog gathers the tools of several families. Two tools of one name are the
// programmer's mistake: NewCatalog panics.
func NewCatalog(families ...[]Tool) *Catalog {
	c := &Catalog{families: slices.Concat(families...), mounts: map[string][]Tool{}}
	first, err := newSnapshot(c.families)
	if err != nil {
		panic("tools: " + err.Error())
	}
	c.now.Store(first)
	return c
}

func newSnapshot(list []Tool) (*snapshot, error) {
	s := &snapshot{list: slices.Clone(list), byName: make(map[string]Tool, len(list))}
	for _, tool := range list {
		if _, taken := s.byName[tool.Name]; taken {
			return nil, fmt.Errorf("two tools are named %q", tool.Name)
		}
		s.byName[tool.Name] = tool
	}
	slices.SortFunc(s.list, func(a, b Tool) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

// All lists every tool by name. The slice is the catalog's own: do not change it.
func (c *Catalog) All() []Tool { return c.now.Load().list }

// Inward says of tools that they work on the store that keeps their callers' journals, and
// on nothing else. A power cut that takes their last effects takes all that was written
// after them as well, so that nothing has to be on disk before they are called.
func Inward(list []Tool) []Tool {
	list = slices.Clone(list)
	for i := range list {
		list[i].Inward = true
	}
	return list
}

// Lookup finds a tool by its exact name.
func (c *Catalog) Lookup(name string) (Tool, bool) {
	tool, ok := c.now.Load().byName[name]
	return tool, ok
}

// MountMark stands between a mount's name and that of its server's tool:
// "github__create_issue".
const MountMark = "__"

// Mount puts list in the place of the tools that the mount had, all at once; an
// empty list takes them away. Then those who watch are told.
//
// Each tool is made by [Mounted], and its name begins with the mount's and
// MountMark, so that no mount can take the place of another's tool. If one is not,
// or a name is taken, Mount gives an error and changes nothing.
func (c *Catalog) Mount(mount string, list []Tool) error {
	for _, tool := range list {
		if rest, ok := strings.CutPrefix(tool.Name, mount+MountMark); mount == "" || !ok || rest == "" {
			return fmt.Errorf("mounting %q: the name %q does not begin with %q and go on", mount, tool.Name, mount+MountMark)
		}
		if !tool.Mounted {
			return fmt.Errorf("mounting %q: %q is not a mounted tool", mount, tool.Name)
		}
	}
	if err := c.replace(mount, slices.Clone(list)); err != nil {
		return fmt.Errorf("mounting %q: %w", mount, err)
	}
	c.watching.Lock()
	watchers := slices.Clone(c.watchers)
	c.watching.Unlock()
	for _, changed := range watchers {
		changed()
	}
	return nil
}

func (c *Catalog) replace(mount string, list []Tool) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	mounts := maps.Clone(c.mounts)
	mounts[mount] = list
	if len(list) == 0 {
		delete(mounts, mount)
	}
	next, err := newSnapshot(slices.Concat(c.families, slices.Concat(slices.Collect(maps.Values(mounts))...)))
	if err != nil {
		return err
	}
	c.mounts = mounts
	c.now.Store(next)
	return nil
}

// Watch has changed called after each change, by the goroutine that made it. Calls
// may overlap, and changed may read the catalog and change it.
func (c *Catalog) Watch(changed func()) {
	c.watching.Lock()
	defer c.watching.Unlock()
	c.watchers = append(c.watchers, changed)
}
