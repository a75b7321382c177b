package config

import (
	"slices"
	"strings"
)

// effects are what a tool may do (tools.Effect), and so what may be granted.
var effects = []string{"read", "write", "message", "money"}

// AllEffects are the effects that a call can have, from the most harmless.
func AllEffects() []string { return slices.Clone(effects) }

// effectWords are granted effects as a table shows them.
func effectWords(granted []string) string {
	if granted == nil {
		return "read write"
	}
	return strings.Join(granted, " ")
}

// checkEffectList checks the effects that somebody is granted. An empty list is refused:
// it reads like a default, and would forbid everything.
func (k *checker) checkEffectList(path string, granted []string) {
	if len(granted) == 0 && k.source.has(path) {
		k.refuse(path, "the list is empty; list what is granted of read, write, message and money, or leave the key out")
	}
	for i, effect := range granted {
		k.oneOf(item(path, i), effect, effects...)
	}
}

// checkBound checks what bounds the runs of a trigger.
func (k *checker) checkBound(path string, tools, granted []string) {
	if len(tools) == 0 && k.source.has(path+".tools") {
		k.refuse(path+".tools", `the list is empty; list what its runs may call, or leave the key out for all that their agent may`)
	}
	k.checkPatterns(path+".tools", tools)
	k.checkEffectList(path+".effects", granted)
}
