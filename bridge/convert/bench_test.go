package convert_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"drawbridge/bridge/convert"
)

// orders is a schema of the size that tools have on average, about 1.5 KB, with
// the features that they mostly use.
const orders = `{
	"$schema": "http://json-schema.org/draft-07/schema#",
	"type": "object",
	"properties": {
		"customer": {"type": "string", "format": "uuid", "description": "Who ordered. Use the id that the search returns, not the number on the invoice."},
		"status": {"type": "string", "enum": ["open", "paid", "shipped", "returned", "cancelled"], "description": "The state in which the orders are now."},
		"limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20, "description": "How many orders to return at most."},
		"after": {"type": ["string", "null"], "description": "The cursor of the page before, as it was returned with that page."},
		"placed": {
			"type": "object",
			"description": "When the orders were placed.",
			"properties": {
				"from": {"type": "string", "format": "date", "description": "The first day."},
				"to": {"type": "string", "format": "date", "description": "The last day."}
			},
			"required": ["from"],
			"additionalProperties": false
		},
		"lines": {
			"type": "array",
			"maxItems": 50,
			"description": "Only orders that hold all of these.",
			"items": {
				"type": "object",
				"properties": {
					"sku": {"type": "string", "minLength": 3, "maxLength": 20, "description": "The article."},
					"quantity": {"type": "number", "exclusiveMinimum": 0, "description": "How many at least."}
				},
				"required": ["sku"]
			}
		},
		"labels": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Only orders with these labels."},
		"sort": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}], "description": "What to sort by."}
	},
	"required": ["customer"]
}`

func thousand() []convert.Tool {
	tools := make([]convert.Tool, 1000)
	for i := range tools {
		tools[i] = convert.Tool{Name: fmt.Sprint("orders_", i), Description: "Lists orders.", Input: json.RawMessage(orders)}
	}
	return tools
}

func BenchmarkConvertThousandTools(b *testing.B) {
	tools := thousand()
	b.ReportAllocs()
	for b.Loop() {
		for _, tool := range tools {
			if _, err := convert.Convert(tool); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkConvertThousandToolsAgain(b *testing.B) {
	tools, cache := thousand(), convert.NewCache(1000)
	for _, tool := range tools {
		if _, err := cache.Convert(tool); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, tool := range tools {
			if _, err := cache.Convert(tool); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkInvert(b *testing.B) {
	f, err := convert.Convert(convert.Tool{Name: "orders", Input: json.RawMessage(orders)})
	if err != nil {
		b.Fatal(err)
	}
	arguments := json.RawMessage(`{"customer":"3f0c8a52-5d0e-4b7a-9c39-2f6d1b7e8a10","status":"open","limit":5,"after":null,` +
		`"placed":{"from":"2026-01-01","to":null},"lines":[{"sku":"A-100","quantity":2}],"labels":[{"key":"tier","value":"gold"}],"sort":["date"]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Invert(arguments); err != nil {
			b.Fatal(err)
		}
	}
}
