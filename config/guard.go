package config

import "time"

// Guard is what holds for tool calls, through whichever door they come.
type Guard struct {
	// RepeatWindow is for how long the same write of the same caller, sent again without
	// an idempotency key, is the same call and gets its result; 0 is not at all. Runs have
	// keys of their own.
	RepeatWindow Duration `yaml:"repeat_window"`
	// RepeatEffects are those of the tools that it holds for: write, message, money.
	RepeatEffects []string `yaml:"repeat_effects"`
	// Limits bound calls; a list in the file takes the place of the default one.
	Limits []Limit `yaml:"limits"`
	// Redact is what the results of tools lose on their way to a model or a client.
	Redact Redact `yaml:"redact"`
}

// Redact is what results lose. What rules name goes besides; the audit loses all of it.
type Redact struct {
	// Shapes are what is known by how it looks: card (numbers of payment cards), iban and
	// secret (keys, tokens, private keys).
	Shapes []string `yaml:"shapes"`
	// Of says whose results: outside (of tools that give what outsiders wrote) or all.
	Of string `yaml:"of"`
}

// What [Redact.Of] may be.
const (
	RedactOutside = "outside"
	RedactAll     = "all"
)

// The shapes there are.
const (
	ShapeCard   = "card"
	ShapeIBAN   = "iban"
	ShapeSecret = "secret"
)

func defaultGuard() Guard {
	return Guard{RepeatWindow: Duration(10 * time.Minute), RepeatEffects: []string{"message", "money"},
		Limits: defaultLimits(),
		Redact: Redact{Shapes: []string{ShapeCard, ShapeIBAN, ShapeSecret}, Of: RedactOutside}}
}
