package convert

import (
	"math/big"
	"strconv"
	"strings"
)

const (
	maxDigits   = 400 // characters of a number
	maxExponent = 400 // comparing 1e400000 exactly would spell out all of its digits
)

// isReasonable reports whether a JSON number can be calculated with exactly at a
// bounded cost.
func isReasonable(number string) bool {
	if len(number) > maxDigits {
		return false
	}
	at := strings.IndexAny(number, "eE")
	if at < 0 {
		return true
	}
	exponent, err := strconv.Atoi(number[at+1:])
	return err == nil && exponent <= maxExponent && exponent >= -maxExponent
}

// isPlain reports whether a number is spelled as an integer that fits an int64.
func isPlain(number string) bool {
	return len(number) <= 18 && !strings.ContainsAny(number, ".eE")
}

// numberIdentity is the same for numbers that are equal.
func numberIdentity(number string) string {
	if isPlain(number) && number != "-0" {
		return number
	}
	if r := rational(number); r != nil {
		return r.RatString()
	}
	return "?" + number // it only equals itself
}

// compareNumbers compares exactly. Numbers that are not reasonable only equal
// themselves; schemas with such bounds are read without them.
func compareNumbers(a, b string) int {
	if isPlain(a) && isPlain(b) {
		x, _ := strconv.ParseInt(a, 10, 64)
		y, _ := strconv.ParseInt(b, 10, 64)
		return int(min(1, max(-1, x-y)))
	}
	x, y := rational(a), rational(b)
	if x == nil || y == nil {
		return strings.Compare(a, b)
	}
	return x.Cmp(y)
}

func isWhole(number string) bool {
	if !strings.ContainsAny(number, ".eE") {
		return true
	}
	r := rational(number)
	return r != nil && r.IsInt()
}

func isMultiple(number, step string) bool {
	x, y := rational(number), rational(step)
	return x == nil || y == nil || y.Sign() == 0 || new(big.Rat).Quo(x, y).IsInt()
}

// rational is a number exactly, nil if it is not reasonable.
func rational(number string) *big.Rat {
	if !isReasonable(number) {
		return nil
	}
	r, _ := new(big.Rat).SetString(number)
	return r
}
