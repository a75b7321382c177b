package config

import (
	"regexp"
	"time"
)

func (k *checker) checkGuard() {
	if window := k.Guard.RepeatWindow; window != 0 {
		// A key is kept a day at least (retention.keys).
		between(k, "guard.repeat_window", window, Duration(time.Second), Duration(day))
	}
	for i, effect := range k.Guard.RepeatEffects {
		k.oneOf(item("guard.repeat_effects", i), effect, "write", "message", "money")
	}
	k.checkLimits()
	for i, shape := range k.Guard.Redact.Shapes {
		k.oneOf(item("guard.redact.shapes", i), shape, ShapeCard, ShapeIBAN, ShapeSecret)
	}
	k.oneOf("guard.redact.of", k.Guard.Redact.Of, RedactOutside, RedactAll)
}

func (k *checker) checkLimits() {
	names := map[string]bool{}
	for i, l := range k.Guard.Limits {
		path := item("guard.limits", i)
		k.checkName(path+".name", l.Name)
		if names[l.Name] {
			k.refuse(path+".name", "%s names two limits", k.show(path+".name", l.Name))
		}
		names[l.Name] = true
		k.checkPattern(path+".tool", l.Tool)
		if !principalForm.MatchString(l.Principal) {
			k.refuse(path+".principal", "%s is no principal or pattern; want one such as key:desk, agent:* or *", k.show(path+".principal", l.Principal))
		}
		if l.Effect != "" {
			k.oneOf(path+".effect", l.Effect, "read", "write", "message", "money")
		}
		k.oneOf(path+".per", l.Per, PerPrincipal, PerAll)
		for name, n := range map[string]int{"burst": l.Burst, "concurrent": l.Concurrent, "count_per_hour": l.CountPerHour, "count_per_day": l.CountPerDay} {
			k.atLeast(path+"."+name, n, 0)
		}
		k.checkQuotas(path, l)
	}
}

var principalForm = regexp.MustCompile(`^(\*|[a-z]+:[^\s]{1,256})$`)

// checkQuotas refuses what could not be counted as it says, or bounds nothing.
func (k *checker) checkQuotas(path string, l Limit) {
	amounts := len(l.AmountPerHour) + len(l.AmountPerDay)
	quotas := l.CountPerHour + l.CountPerDay + amounts
	switch {
	case quotas == 0 && l.Rate.Times == 0 && l.Concurrent == 0:
		k.refuse(path, "it bounds nothing; give one of rate, concurrent, count_per_hour, count_per_day, amount_per_hour, amount_per_day")
	case l.Burst > 0 && l.Rate.Times == 0:
		k.refuse(path+".burst", "a burst goes with a rate")
	case amounts > 0 && l.Effect != "money":
		k.refuse(path, "amounts are those of tools with effect: money; say so")
	case quotas > 0 && l.Effect != "money" && l.Effect != "message":
		k.refuse(path, "what is done in an hour or a day is counted of tools with effect: money, or message; say which")
	case quotas > 0 && l.Per == PerAll && l.Principal != "*":
		k.refuse(path+".principal", "what all do together is counted of all: leave it out, or per")
	}
	for name, sums := range map[string][]Money{"amount_per_hour": l.AmountPerHour, "amount_per_day": l.AmountPerDay} {
		seen := map[string]bool{}
		for i, m := range sums {
			if seen[m.Currency] {
				k.refuse(item(path+"."+name, i), "%s is there twice", m.Currency)
			}
			seen[m.Currency] = true
		}
	}
}
