package salesforce

import (
	"encoding/json"
	"math/big"
	"strings"
	"time"

	"drawbridge/tools/money"
)

// record is a row of a query: fields, rows of other objects, and lists of rows.
type record map[string]any

// rows is an answer to a query.
type rows struct {
	Records []record `json:"records"`
	Done    bool     `json:"done"`
	Next    string   `json:"nextRecordsUrl"`
}

// text is a field as a text, "" if it has no value. A path leads to another object:
// Account.Name.
func (r record) text(path string) string {
	switch v := r.value(path).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func (r record) flag(path string) bool {
	v, _ := r.value(path).(bool)
	return v
}

func (r record) value(path string) any {
	if path == "" {
		return nil
	}
	at := map[string]any(r)
	for {
		name, rest, deeper := strings.Cut(path, ".")
		if !deeper {
			return at[name]
		}
		inner, ok := at[name].(map[string]any)
		if !ok {
			return nil
		}
		at, path = inner, rest
	}
}

// moment is a field that is a date, or a date and time; the zero time if it has no value.
func (r record) moment(path string) time.Time { return parseMoment(r.text(path)) }

func parseMoment(text string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05.999-0700", time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Truncate(time.Millisecond)
		}
	}
	return time.Time{}
}

// minor is a field that is an amount, in the minor unit of a currency. Salesforce writes
// large ones with an exponent.
func (r record) minor(path, currency string) int64 {
	return r.scaled(path, minorUnits(currency))
}

// whole is a field that is a number, rounded to a whole one.
func (r record) whole(path string) int64 { return r.scaled(path, 0) }

func (r record) scaled(path string, digits int) int64 {
	number, ok := r.value(path).(json.Number)
	if !ok || len(number) > 40 {
		return 0
	}
	amount, ok := new(big.Float).SetPrec(256).SetString(number.String())
	if !ok {
		return 0
	}
	amount.Mul(amount, new(big.Float).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)))
	half := big.NewFloat(0.5)
	if amount.Sign() < 0 {
		half.Neg(half)
	}
	rounded, _ := amount.Add(amount, half).Int64()
	return rounded
}

// list is the rows of a query inside the query.
func (r record) list(name string) rows {
	inner, ok := r[name].(map[string]any)
	if !ok {
		return rows{Done: true}
	}
	out := rows{Done: true}
	if done, ok := inner["done"].(bool); ok {
		out.Done = done
	}
	out.Next, _ = inner["nextRecordsUrl"].(string)
	items, _ := inner["records"].([]any)
	for _, item := range items {
		if row, ok := item.(map[string]any); ok {
			out.Records = append(out.Records, row)
		}
	}
	return out
}

// decimal is an amount in minor units as Salesforce writes it, exactly.
func decimal(minor int64, currency string) json.Number {
	digits := minorUnits(currency)
	text := new(big.Rat).SetFrac(big.NewInt(minor), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)).FloatString(digits)
	return json.Number(text)
}

// minorUnits is how many decimal places a currency has; 2 for what is none of ISO 4217's.
func minorUnits(currency string) int {
	digits, err := money.Exponent(currency)
	if err != nil {
		return 2
	}
	return digits
}
