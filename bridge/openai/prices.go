package openai

import "math/big"

// Prices are what a model's tokens cost, in millionths of a unit of currency for a
// million tokens: 1.25 USD a million is 1_250_000.
type Prices struct {
	Input int64
	// Cached is for the part of the prompt that the provider had kept; as Input if 0.
	Cached int64
	Output int64
	// Reasoning is for the part of the completion that is not shown; as Output if 0.
	Reasoning int64
}

// Cost is the price of one answer, in millionths of a unit of currency, rounded up.
func (p Prices) Cost(u Usage) int64 {
	u = u.sane()
	sum := new(big.Int)
	add := func(tokens int, price, otherwise int64) {
		if price == 0 {
			price = otherwise
		}
		sum.Add(sum, new(big.Int).Mul(big.NewInt(int64(tokens)), big.NewInt(price)))
	}
	add(u.Prompt-u.Cached, p.Input, 0)
	add(u.Cached, p.Cached, p.Input)
	add(u.Completion-u.Reasoning, p.Output, 0)
	add(u.Reasoning, p.Reasoning, p.Output)
	sum.Add(sum, big.NewInt(999_999))
	return sum.Div(sum, big.NewInt(1_000_000)).Int64()
}
