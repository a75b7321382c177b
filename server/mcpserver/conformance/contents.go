package conformance

import (
	"context"
	"encoding/json"

	"drawbridge/tools"
)

const (
	// dot is a PNG of one red pixel.
	dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
	// silence is a WAV file without a sample.
	silence = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="
)

var (
	image = object{"type": "image", "data": dot, "mimeType": "image/png"}
	audio = object{"type": "audio", "data": silence, "mimeType": "audio/wav"}
)

func embedded(uri, mimeType, text string) object {
	return object{"type": "resource", "resource": object{"uri": uri, "mimeType": mimeType, "text": text}}
}

// contents are the tools that only return something.
func contents() []tools.Tool {
	returns := func(name, description string, result object) tools.Tool {
		return tool(name, description, "", func(context.Context, json.RawMessage) (any, error) { return result, nil })
	}
	mixed := content(object{"type": "text", "text": "Multiple content types test:"}, image,
		embedded("test://mixed-content-resource", "application/json", `{"test":"data","value":123}`))
	failing := func(context.Context, json.RawMessage) (any, error) {
		return nil, tools.Errorf(tools.Failed, "This tool intentionally returns an error for testing")
	}
	return []tools.Tool{
		returns("test_simple_text", "Returns a text.", says("This is a simple text response for testing.")),
		returns("test_image_content", "Returns an image.", content(image)),
		returns("test_audio_content", "Returns a sound.", content(audio)),
		returns("test_embedded_resource", "Returns a resource.", content(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))),
		returns("test_multiple_content_types", "Returns a text, an image and a resource.", mixed),
		tool("test_error_handling", "Fails.", "", failing),
		tool("json_schema_2020_12_tool", "Has a schema with keywords of JSON Schema 2020-12.", schema2020, func(context.Context, json.RawMessage) (any, error) {
			return says("ok"), nil
		}),
		tool("test_custom_header", "Has an argument that clients send as a header too.", headerSchema, func(context.Context, json.RawMessage) (any, error) {
			return says("ok"), nil
		}),
	}
}

const headerSchema = `{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}},"required":["region"],"additionalProperties":false}`

const schema2020 = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
"$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}},
"properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},"contactMethod":{"type":"string","enum":["phone","email"]},"phone":{"type":"string"},"email":{"type":"string"}},
"allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],
"if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},"then":{"required":["phone"]},"else":{"required":["email"]},
"additionalProperties":false}`
