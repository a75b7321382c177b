package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The name of a mounted server. Tools are NAME__tool, and no other tool's name has
// two underscores in a row: so no name can be taken by two.
var mountName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

const maxMountName = 32 // of the 64 characters of a function's name

func (k *checker) checkMCPServers() {
	names := map[string]bool{}
	for i, server := range k.Tools.MCP {
		path := item("tools.mcp", i)
		k.checkMountName(path, server.Name, "server", names)
		k.checkReach(path, server)
		k.checkPatterns(path+".include", server.Include)
		k.checkEffects(path+".effects", server.Effects)
		k.checkUnknownOutcomes(path+".unknown", server.Unknown, server.Effects, k.checkPattern)
		for j, trusted := range server.Trust {
			k.oneOf(item(path+".trust", j), trusted, TrustHints, TrustResults, TrustChanges)
		}
		between(k, path+".start_timeout", server.StartTimeout, Duration(time.Second), Duration(10*time.Minute))
		between(k, path+".call_timeout", server.CallTimeout, Duration(time.Second), Duration(time.Hour))
	}
}

// checkMountName checks the name of a server or an API, whose tools begin with it, and adds
// it to those that are taken.
func (k *checker) checkMountName(path, name, kind string, taken map[string]bool) {
	switch shown := k.show(path+".name", name); {
	case name == "":
		k.refuse(path, "the %s has no name; give it one, such as github", kind)
	case !mountName.MatchString(name) || len(name) > maxMountName:
		k.refuse(path+".name", "%s is no name for a mounted %s; want up to %d of a-z, 0-9 and single _ between them, beginning with a letter", shown, kind, maxMountName)
	case taken[name]:
		k.refuse(path+".name", "%s names two servers or APIs", shown)
	}
	taken[name] = true
}

// checkReach checks how a server is reached: by a command or at a URL.
func (k *checker) checkReach(path string, server MCPServer) {
	switch {
	case len(server.Command) > 0 && server.URL != "":
		k.refuse(path, "there is a command and a url; want one of them")
	case len(server.Command) > 0:
		if server.Command[0] == "" {
			k.refuse(item(path+".command", 0), "the program is empty")
		}
		if len(server.Headers) > 0 {
			k.refuse(path+".headers", "headers belong to a url; a command has env")
		}
	case server.URL != "":
		if len(server.Env) > 0 {
			k.refuse(path+".env", "env belongs to a command; a url has headers")
		}
		if u := k.checkURL(path+".url", server.URL); u != nil && unencrypted(u) {
			k.warn(path+".url", "arguments, results and headers would be sent unencrypted; want https")
		}
	default:
		k.refuse(path+".command", "there is neither a command nor a url; give one of them")
	}
	for _, name := range slices.Sorted(maps.Keys(server.Env)) {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			k.refuse(child(path+".env", name), "%s is no name of an environment variable", quote(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(server.Headers)) {
		if at := child(path+".headers", name); name == "" || strings.ContainsFunc(name, isNoHeader) {
			k.refuse(at, "%s is no name of a header", quote(name))
		} else if strings.ContainsAny(server.Headers[name].Reveal(), "\r\n\x00") {
			k.refuse(at, "the value holds a line end, which no HTTP header can carry")
		}
	}
}

func (k *checker) checkEffects(path string, granted map[string]string) {
	for _, pattern := range slices.Sorted(maps.Keys(granted)) {
		at := child(path, pattern)
		k.checkPattern(at, pattern)
		k.oneOf(at, granted[pattern], effects...)
	}
}

// checkUnknownOutcomes checks all but the expressions, which whoever evaluates them compiles.
func (k *checker) checkUnknownOutcomes(path string, outcomes map[string]UnknownOutcome, effects map[string]string, checkPattern func(at, pattern string)) {
	for _, pattern := range slices.Sorted(maps.Keys(outcomes)) {
		at, u := child(path, pattern), outcomes[pattern]
		checkPattern(at, pattern)
		if u.Do == "" {
			k.refuse(at, "it does not say what to do; give do: retry, check or ask")
			continue
		}
		k.oneOf(at+".do", u.Do, UnknownRetry, UnknownCheck, UnknownAsk)
		if u.Do != UnknownCheck {
			for _, of := range []struct {
				name string
				set  bool
			}{{"tool", u.Tool != ""}, {"arguments", len(u.Arguments) > 0}, {"found", u.Found != ""}, {"after", u.After != nil}} {
				if of.set {
					k.refuse(at+"."+of.name, "it belongs to do: check")
				}
			}
			continue
		}
		switch effect := effects[u.Tool]; {
		case u.Tool == "":
			k.refuse(at, "a check needs the tool that looks; give tool, arguments and found")
		case effect != "" && effect != "read":
			k.refuse(at+".tool", "%s is no read by effects; a look-up only reads", k.show(at+".tool", u.Tool))
		}
		if u.Found == "" {
			k.refuse(at, "a check needs found: an expression that is true if the call took effect")
		}
		if u.After != nil {
			between(k, at+".after", *u.After, 0, Duration(time.Hour))
		}
	}
}
