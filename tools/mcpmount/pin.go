package mcpmount

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// recall reads the book: what was accepted before, and by other processes since.
func (m *Mount) recall(ctx context.Context) error {
	if m.options.Book == nil {
		return nil
	}
	kept, err := m.options.Book.Definitions(ctx, m.settings.Name)
	if err != nil {
		return fmt.Errorf("reading the accepted definitions: %w", err)
	}
	accepted := map[string]Definition{}
	for _, d := range kept {
		accepted[d.Tool] = d
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accepted = accepted
	return nil
}

// Remember offers what the book holds before the server is up: a run that goes on
// right after a restart finds its tools, and its calls wait. Whoever calls it before
// anything is carried can be sure of that; Run does it otherwise.
func (m *Mount) Remember(ctx context.Context) error {
	m.changing.Lock()
	defer m.changing.Unlock()
	if m.remembered {
		return nil
	}
	if err := m.recall(ctx); err != nil {
		return err
	}
	m.remembered = true
	m.mu.Lock()
	for _, d := range m.accepted {
		if t, err := readTool(d.JSON); err == nil && t.hash == d.Hash {
			m.list = append(m.list, t)
		}
	}
	m.mu.Unlock()
	m.turn(func() { m.status.State = Starting }) // its calls wait from now on
	m.present()
	return nil
}

// adopt takes a list that was just read. The first list of a server is taken on
// trust; there is nothing to compare it with.
func (m *Mount) adopt(ctx context.Context, list []listed, unreadable []LeftOut) error {
	m.changing.Lock()
	defer m.changing.Unlock()
	if err := m.recall(ctx); err != nil {
		return err
	}
	var add []Definition
	var remove []string
	kept, _ := unique(list)
	if len(m.accepted) == 0 || m.settings.TrustChanges {
		for _, t := range kept {
			if m.accepted[t.name].Hash != t.hash {
				add = append(add, Definition{Tool: t.name, Hash: t.hash, JSON: t.raw})
			}
		}
	}
	if m.settings.TrustChanges {
		remove = gone(m.accepted, kept)
	}
	if err := m.keep(ctx, add, remove); err != nil {
		return err
	}
	m.mu.Lock()
	m.list, m.unreadable, m.fresh = list, unreadable, true
	m.mu.Unlock()
	m.present()
	return nil
}

// gone are the accepted tools that the server does not list any more.
func gone(accepted map[string]Definition, list []listed) []string {
	left := maps.Clone(accepted)
	for _, t := range list {
		delete(left, t.name)
	}
	return slices.Sorted(maps.Keys(left))
}

// keep writes to the book and to memory.
func (m *Mount) keep(ctx context.Context, add []Definition, remove []string) error {
	if len(add)+len(remove) == 0 {
		return nil
	}
	for i := range add {
		add[i].AcceptedAt = m.options.Now()
	}
	if m.options.Book != nil {
		if err := m.options.Book.Keep(ctx, m.settings.Name, add, remove); err != nil {
			return fmt.Errorf("keeping accepted definitions: %w", err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accepted = maps.Clone(m.accepted)
	for _, name := range remove {
		delete(m.accepted, name)
	}
	for _, d := range add {
		m.accepted[d.Tool] = d
	}
	return nil
}

// present judges the list anew and tells what is different.
func (m *Mount) present() {
	v := m.judge(m.list, m.unreadable, m.accepted)
	m.mu.Lock()
	before := m.verdict
	m.verdict = v
	m.mu.Unlock()
	m.report(before, v)
	if v.print != before.print {
		m.options.Changed(slices.Clone(v.offered))
	}
}

// report logs what is newly held or left out, each once.
func (m *Mount) report(before, now verdict) {
	seen := map[string]bool{}
	for _, h := range before.held {
		seen[h.Tool+h.Is.Hash] = true
	}
	for _, h := range now.held {
		if !seen[h.Tool+h.Is.Hash] {
			m.log.Warn("held a tool back until a person has looked", "tool", h.Tool, "why", h.Why)
		}
	}
	for _, l := range now.leftOut {
		if !slices.Contains(before.leftOut, l) {
			m.log.Warn("left a tool out", "tool", m.clean.line(l.Tool, maxToolName), "why", m.clean.line(l.Why, maxWord))
		}
	}
}

// Accept is a person's word for definitions that are held and that they were shown,
// or for all that are held now if shown is nil. Accepting all also forgets what was
// accepted of tools that the server does not have any more.
//
// It is an error if one of them is not held any more, or is another definition by
// now: nobody has seen that. Then nothing is accepted.
func (m *Mount) Accept(ctx context.Context, shown []Held) error {
	m.changing.Lock()
	defer m.changing.Unlock()
	if err := m.recall(ctx); err != nil {
		return err
	}
	add, err := m.stillHeld(shown)
	if err != nil {
		return err
	}
	var remove []string
	if shown == nil && m.fresh {
		remove = gone(m.accepted, m.list)
	}
	if err := m.keep(ctx, add, remove); err != nil {
		return err
	}
	m.present()
	return nil
}

// stillHeld are the definitions of these, or of all that are held.
func (m *Mount) stillHeld(shown []Held) ([]Definition, error) {
	held := m.Status().Held
	if shown == nil {
		shown = held
	}
	var out []Definition
	for _, s := range shown {
		i := slices.IndexFunc(held, func(h Held) bool { return h.Is.Tool == s.Is.Tool })
		if i < 0 {
			return nil, fmt.Errorf("accepting %q: mount %q holds no such tool back any more", s.Tool, m.settings.Name)
		}
		if held[i].Is.Hash != s.Is.Hash {
			return nil, fmt.Errorf("accepting %q: its definition changed again since it was shown; look once more", s.Tool)
		}
		out = append(out, held[i].Is)
	}
	return out, nil
}
