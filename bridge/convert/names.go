package convert

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

var (
	// A function's name on OpenAI's API.
	functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

	// What the names end in that are made here.
	hashTail = regexp.MustCompile(`_[0-9a-f]{8,}$`)

	// What a function's name has no letter for. One underscore stands for any
	// number of it.
	illegal = regexp.MustCompile(`[^a-zA-Z0-9_-]+`)
)

const (
	longestName = 64
	shortHash   = 8 // digits of the hash, unless two names share them
)

// Names gives every tool name a function name of its own, ^[a-zA-Z0-9_-]{1,64}$:
// the same one whatever other tools there are, in whatever order they come. A
// legal name stays as it is. Any other keeps what is legal of it and gets an
// underscore and eight digits of its SHA-256; so does a reserved name, and one that
// ends as such a made name does: else a tool could take the function name, and in
// a resumed run the calls, of another by being called so.
//
// Any string is a tool name. Two names that differ in letters with no place in a
// function's name and share eight digits of their hash (one chance in four
// billion, for one who does not search for it) both get more digits.
func Names(tools []string, reserved ...string) map[string]string {
	names := make(map[string]string, len(tools))
	taken := map[string]bool{}
	for _, name := range reserved {
		taken[name] = true
	}
	var made []string
	for _, tool := range tools {
		if keepsName(tool) && !slices.Contains(reserved, tool) {
			names[tool] = tool
		} else {
			made = append(made, tool)
		}
	}
	for digits := shortHash; len(made) > 0; digits++ {
		made = nameUnique(made, digits, names, taken)
	}
	return names
}

func keepsName(tool string) bool {
	return functionName.MatchString(tool) && !hashTail.MatchString(tool)
}

// nameUnique names the tools whose name with that many digits nobody else has, and
// gives back the others. All tools of a name that several would have are among
// them: were one to keep it, it would be a matter of order which.
func nameUnique(tools []string, digits int, names map[string]string, taken map[string]bool) []string {
	wanted := make([]string, len(tools))
	claims := map[string]string{}
	contested := map[string]bool{}
	for i, tool := range tools {
		name := madeName(tool, digits)
		if other, claimed := claims[name]; taken[name] || claimed && other != tool {
			contested[name] = true
		}
		wanted[i], claims[name] = name, tool
	}
	var left []string
	for i, tool := range tools {
		if contested[wanted[i]] {
			left = append(left, tool)
			continue
		}
		names[tool] = wanted[i]
	}
	for name := range claims {
		taken[name] = true
	}
	return left
}

// madeName is the legal part of a name with so many digits of its hash.
func madeName(tool string, digits int) string {
	sum := sha256.Sum256([]byte(tool))
	tail := "_" + hex.EncodeToString(sum[:])[:min(digits, longestName-1)]
	head := strings.Trim(illegal.ReplaceAllString(tool, "_"), "_")
	if head == "" {
		head = "tool"
	}
	return head[:min(len(head), longestName-len(tail))] + tail
}
