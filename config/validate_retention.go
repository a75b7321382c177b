package config

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Bounds of what is kept: an hour is more than any sender's or caller's patience with one
// request, and ten years are forever.
const (
	leastAge = Age(time.Hour)
	mostAge  = Age(3650 * day)
	mostKept = 1_000_000_000
)

// leastKeys bounds how soon an idempotency key is forgotten: callers try again for a day.
const leastKeys = Age(day)

func (k *checker) checkRetention() {
	r := k.Retention
	for _, age := range []struct {
		key          string
		value, least Age
	}{
		{"events", r.Events, leastAge}, {"runs", r.Runs, leastAge}, {"callbacks", r.Callbacks, leastAge}, {"audit", r.Audit, leastAge},
		{"rejections", r.Rejections, leastAge}, {"keys", r.Keys, leastKeys},
	} {
		k.checkAge("retention."+age.key, age.value, age.least)
	}
	if r.Callbacks.Longer(r.Runs) {
		k.refuse("retention.callbacks", "%s is longer than runs are kept (%s), and a callback goes with its run at the latest; want no more, or longer retention.runs", r.Callbacks, r.Runs)
	}
	for _, count := range []struct {
		key   string
		value int
	}{{"max_events", r.MaxEvents}, {"max_runs", r.MaxRuns}, {"max_callbacks", r.MaxCallbacks}, {"max_audit", r.MaxAudit}} {
		k.within("retention."+count.key, count.value, 0, mostKept)
	}
}

func (k *checker) checkAge(path string, age, least Age) {
	if age != Forever {
		between(k, path, age, least, mostAge)
	}
}

func (c *Config) explainRetention(w io.Writer) {
	r := c.Retention
	kept := []string{
		keeps("events", r.Events, r.MaxEvents), keeps("runs", r.Runs, r.MaxRuns), keeps("delivered callbacks", r.Callbacks, r.MaxCallbacks),
		keeps("the audit", r.Audit, r.MaxAudit), keeps("refused deliveries", r.Rejections, 0), keeps("keys of tool calls", r.Keys, 0),
	}
	fmt.Fprintf(w, "Keeps %s; dead letters until somebody deletes them.\n", strings.Join(kept, ", "))
}

func keeps(what string, age Age, most int) string {
	text := what + " " + forHow(age)
	if most > 0 {
		text += fmt.Sprintf(" (the newest %d)", most)
	}
	return text
}

func forHow(age Age) string {
	if age == Forever {
		return "forever"
	}
	return "for " + age.String()
}

// explainKept says what a webhook has of its own, and where a key outlives a body.
func (c *Config) explainKept(w io.Writer, hook Webhook) {
	age := hook.Retention
	if age != 0 {
		fmt.Fprintf(w, "    keeps its events, their runs and callbacks %s\n", forHow(age))
	} else {
		age = c.Retention.Events
	}
	if dedupe := Age(hook.DedupeFor); dedupe.Longer(age) {
		fmt.Fprintf(w, "    removes the body of an event after %s, and knows its key for %s from when it last came\n", age, dedupe)
	}
}
