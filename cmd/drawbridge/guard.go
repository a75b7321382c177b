package main

import "drawbridge/tools"

// effectsOf are effects as the settings name them. None are none, not the default.
func effectsOf(names []string) []tools.Effect {
	effects := []tools.Effect{}
	for _, name := range names {
		effects = append(effects, tools.Effect(name))
	}
	return effects
}
