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
}

func defaultGuard() Guard {
	return Guard{RepeatWindow: Duration(10 * time.Minute), RepeatEffects: []string{"message", "money"}}
}
