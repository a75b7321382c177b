package auth

import "slices"

// AllEffects are all the effects that calls can have, as the tools name them.
func AllEffects() []string { return []string{"read", "write", "message", "money"} }

// MayEffect reports whether the principal's calls may have that effect.
func (p Principal) MayEffect(effect string) bool {
	if p.Effects == nil {
		return slices.Contains(DefaultEffects(), effect)
	}
	return slices.Contains(p.Effects, effect)
}
