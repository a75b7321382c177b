package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/mailwatch"
	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

// readiness is the detail of /readyz. Anybody gets states and counts; names and
// reasons go to those who may call tools.
type readiness struct {
	Mounts map[string]mountHealth `json:"mounts,omitempty"`
	// Mail are the sources that are mailboxes, as this process sees them.
	Mail  map[string]mailwatch.State `json:"mail,omitempty"`
	Cache *cacheHealth               `json:"cache,omitempty"`
	// Unoffered are tools that no model is offered, because they cannot be made
	// functions.
	Unoffered      int               `json:"unoffered_tools"`
	UnofferedTools map[string]string `json:"unoffered_because,omitempty"`
	// Dead are the dead letters by kind: how many, and since when the oldest.
	Dead map[dispatch.LetterKind]deadHealth `json:"dead,omitempty"`
}

// mountHealth is how a mounted server stands.
type mountHealth struct {
	State     mcpmount.State `json:"state"`
	Tools     int            `json:"tools"`
	Held      int            `json:"held"`     // back, until a person accepts them
	LeftOut   int            `json:"left_out"` // because something is wrong with them
	LastError string         `json:"last_error,omitempty"`
	Because   []toolHealth   `json:"because,omitempty"`
}

type deadHealth struct {
	Count  int        `json:"count"`
	Oldest *time.Time `json:"oldest,omitempty"`
	Age    int64      `json:"oldest_age_seconds,omitempty"`
}

type toolHealth struct {
	Tool string `json:"tool"`
	Why  string `json:"why"`
}

func (a *app) readiness(r *http.Request) any {
	_, err := a.keys.Authenticate(r)
	known := err == nil
	out := readiness{Mounts: map[string]mountHealth{}}
	for _, mount := range a.mounts.list {
		s := mount.Status()
		h := mountHealth{State: s.State, Tools: s.Offered, Held: len(s.Held), LeftOut: len(s.LeftOut)}
		if known {
			h.LastError = s.LastError
			for _, held := range s.Held {
				h.Because = append(h.Because, toolHealth{oneLine(held.Tool, 140), oneLine(held.Why, 200)})
			}
			for _, left := range s.LeftOut {
				h.Because = append(h.Because, toolHealth{oneLine(left.Tool, 140), oneLine(left.Why, 200)})
			}
		}
		out.Mounts[s.Name] = h
	}
	for name, watcher := range a.mail {
		state := watcher.State()
		if !known {
			state.LastError = ""
		}
		if out.Mail == nil {
			out.Mail = map[string]mailwatch.State{}
		}
		out.Mail[name] = state
	}
	out.Cache = a.cacheHealth(known)
	unoffered := a.unoffered.of(a.catalog)
	out.Unoffered = len(unoffered)
	if known {
		out.UnofferedTools = unoffered
		out.Dead = a.deadHealth(r.Context())
	}
	return out
}

// deadHealth counts dead letters. One that cannot be had is no reason to say less of the
// rest.
func (a *app) deadHealth(ctx context.Context) map[dispatch.LetterKind]deadHealth {
	counts, err := a.store.CountDead(ctx)
	if err != nil {
		a.log.Warn("counting dead letters", "err", err)
		return nil
	}
	health := map[dispatch.LetterKind]deadHealth{}
	for _, c := range counts {
		h := deadHealth{Count: c.Count, Oldest: some(c.Oldest)}
		if c.Count > 0 {
			h.Age = int64(time.Since(c.Oldest).Seconds())
		}
		health[c.Kind] = h
	}
	return health
}

// unoffered finds the tools that cannot be made functions, once for each state of
// the catalog: whoever watches us asks every few seconds.
type unoffered struct {
	mu    sync.Mutex
	seen  []tools.Tool
	found map[string]string
}

func (u *unoffered) of(catalog *tools.Catalog) map[string]string {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := catalog.All()
	if len(now) == len(u.seen) && (len(now) == 0 || &now[0] == &u.seen[0]) {
		return u.found
	}
	u.seen, u.found = now, map[string]string{}
	for _, left := range functionsOf(now).LeftOut {
		u.found[left.Tool] = left.Why
	}
	return u.found
}
