package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"drawbridge/config"
	"drawbridge/server/guard"
	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

// idlePatterns are warnings about tool patterns that match no tool: a letter wrong
// in one leaves an agent or a key without its tools, and nothing else says so.
func (a *app) idlePatterns() config.Problems {
	var idle config.Problems
	look := func(path string, patterns []string) {
		for i, pattern := range patterns {
			if a.mounts.mayMatch(pattern) {
				continue // nobody knows a server's tools before it has answered
			}
			matches := func(t tools.Tool) bool { return tools.Match([]string{pattern}, t.Name) }
			if !slices.ContainsFunc(a.catalog.All(), matches) {
				warning := a.cfg.Problem(fmt.Sprintf("%s[%d]", path, i), "%q matches no tool; `drawbridge tools` lists them", pattern)
				warning.Warning = true
				idle = append(idle, warning)
			}
		}
	}
	for i, key := range a.cfg.Server.Keys {
		look(fmt.Sprintf("server.keys[%d].tools", i), key.Tools)
	}
	for i, issuer := range a.cfg.Auth.JWT {
		for _, scope := range slices.Sorted(maps.Keys(issuer.Scopes)) {
			look(config.Child(fmt.Sprintf("auth.jwt[%d].scopes", i), scope)+".tools", issuer.Scopes[scope].Tools)
		}
	}
	for i, certificate := range a.cfg.Auth.Certificates {
		look(fmt.Sprintf("auth.certificates[%d].tools", i), certificate.Tools)
	}
	for _, name := range slices.Sorted(maps.Keys(a.cfg.Agents)) {
		look("agents."+name+".tools", a.cfg.Agents[name].Tools)
		look("agents."+name+".always", a.cfg.Agents[name].Always)
	}
	for _, pattern := range slices.Sorted(maps.Keys(a.cfg.Cache.TTL)) {
		reads := func(t tools.Tool) bool { return guard.Cacheable(t) && tools.Match([]string{pattern}, t.Name) }
		if a.cfg.Cache.TTL[pattern] > 0 && !a.mounts.mayMatch(pattern) && !slices.ContainsFunc(a.catalog.All(), reads) {
			warning := a.cfg.Problem(config.Child("cache.ttl", pattern), "%q matches no tool that reads; `drawbridge tools` lists them", pattern)
			warning.Warning = true
			idle = append(idle, warning)
		}
	}
	return idle
}

// mayMatch reports whether a pattern may be about a mounted server's tools.
func (m *mounts) mayMatch(pattern string) bool {
	return slices.ContainsFunc(m.list, func(mount *mcpmount.Mount) bool { return mayBeAbout(pattern, mount.Status().Name) })
}

// mayBeAbout reports whether a pattern matches any name that begins with a mount's.
func mayBeAbout(pattern, mount string) bool {
	mine := mount + tools.MountMark
	start, _, open := strings.Cut(pattern, "*")
	return strings.HasPrefix(start, mine) || open && strings.HasPrefix(mine, start)
}
