package config

import (
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are known wherever the program runs
)

// ownSchedules begins the names of schedules that agents make.
const ownSchedules = "followup_"

func (k *checker) checkSchedules() {
	for _, name := range slices.Sorted(maps.Keys(k.Schedules)) {
		path, s := child("schedules", name), k.Schedules[name]
		k.checkName(path, name)
		if strings.HasPrefix(name, ownSchedules) {
			k.refuse(path, "%s: names that begin with %s are those of agents' own follow-ups", k.show(path, name), ownSchedules)
		}
		k.checkTimes(path, s)
		k.checkZone(path+".zone", s.Zone)
		k.checkTask(path, s.Agent, s.Prompt)
		k.checkBound(path, s.Tools, s.Effects)
		k.oneOf(path+".catch_up", s.CatchUp, "skip", "one", "all")
		k.oneOf(path+".overlap", s.Overlap, "skip", "queue", "parallel")
		k.oneOf(path+".priority", s.Priority, PriorityHigh, PriorityNormal, PriorityLow)
		if s.Callback != nil {
			k.checkCallback(path+".callback", *s.Callback)
		}
	}
}

// checkTimes wants one way to say when. What a cron expression means is checked by
// whoever plans by it, as conditions and prompts are.
func (k *checker) checkTimes(path string, s Schedule) {
	var given []string
	for key, has := range map[string]bool{"cron": s.Cron != "", "every": s.Every != 0, "at": !s.At.IsZero()} {
		if has || k.source.has(path+"."+key) {
			given = append(given, key)
		}
	}
	slices.Sort(given)
	switch {
	case len(given) == 0:
		k.refuse(path, "nothing says when; want one of cron, every and at")
	case len(given) > 1:
		k.refuse(path+"."+given[1], "there is %s already; want one of cron, every and at", given[0])
	case given[0] == "every":
		between(k, path+".every", s.Every, Duration(time.Second), Duration(366*day))
		if s.Every.Std()%time.Second != 0 {
			k.refuse(path+".every", "%s is no whole number of seconds", s.Every)
		}
	}
}

func (k *checker) checkZone(path, zone string) {
	// Local is another zone on each machine.
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		k.refuse(path, "%s is no time zone; want a name of the IANA list, such as Europe/Berlin, or UTC", k.show(path, zone))
	}
}
