package openai

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestCostIsTheTokensAtTheirPrices(t *testing.T) {
	p := Prices{Input: 1_250_000, Cached: 125_000, Output: 10_000_000, Reasoning: 5_000_000}
	for name, c := range map[string]struct {
		prices Prices
		usage  Usage
		want   int64
	}{
		"a million of each":      {p, Usage{Prompt: 2_000_000, Cached: 1_000_000, Completion: 2_000_000, Reasoning: 1_000_000}, 1_250_000 + 125_000 + 10_000_000 + 5_000_000},
		"rounded up once":        {p, Usage{Prompt: 1, Completion: 1}, 12}, // 11.25
		"exact":                  {p, Usage{Prompt: 4}, 5},
		"nothing":                {p, Usage{}, 0},
		"cached as input":        {Prices{Input: 1_000_000}, Usage{Prompt: 10, Cached: 10}, 10},
		"reasoning as output":    {Prices{Output: 1_000_000}, Usage{Completion: 10, Reasoning: 10}, 10},
		"more cached than asked": {Prices{Input: 1_000_000}, Usage{Prompt: 10, Cached: 1000}, 10},
		"below nothing":          {p, Usage{Prompt: -10, Completion: -10}, 0},
	} {
		if got := c.prices.Cost(c.usage); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestCostNeverFallsWithUsage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		price := rapid.Int64Range(0, 1_000_000_000)
		p := Prices{price.Draw(t, "input"), price.Draw(t, "cached"), price.Draw(t, "output"), price.Draw(t, "reasoning")}
		tokens := rapid.IntRange(0, math.MaxInt)
		less := Usage{Prompt: tokens.Draw(t, "prompt"), Completion: tokens.Draw(t, "completion")}
		more := Usage{Prompt: max(less.Prompt, tokens.Draw(t, "more prompt")), Completion: max(less.Completion, tokens.Draw(t, "more completion"))}
		if a, b := p.Cost(less), p.Cost(more); a < 0 || b < a {
			t.Fatalf("%+v costs %d, %+v costs %d", less, a, more, b)
		}
	})
}
