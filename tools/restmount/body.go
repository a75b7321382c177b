package restmount

import (
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// How a body is written.
const (
	asJSON      = "json"
	asForm      = "form"
	asMultipart = "multipart"
	asText      = "text"
)

// body is how arguments become one. All of it is part of what is pinned.
type body struct {
	Media string `json:"media"`
	As    string `json:"as"`
	// Whole is the argument that is all of it; "" if its members are arguments.
	Whole    string   `json:"whole,omitempty"`
	Members  []member `json:"members,omitempty"`
	Required bool     `json:"required,omitempty"`
}

// member is one of a body that is an object.
type member struct {
	Argument string `json:"argument,omitempty"` // "": its value is fixed
	Name     string `json:"name"`
	Style    string `json:"style,omitempty"` // of forms
	Explode  bool   `json:"explode,omitempty"`
	JSON     bool   `json:"json,omitempty"` // of forms: lists and objects are JSON
}

func isJSON(media string) bool {
	base, _, err := mime.ParseMediaType(media)
	return err == nil && (base == "application/json" || strings.HasSuffix(base, "+json"))
}

// writtenAs says how we write a media type, and how gladly: less is better.
func writtenAs(media string) (as string, rank int) {
	base, _, err := mime.ParseMediaType(media)
	switch {
	case err != nil:
		return "", 0
	case base == "application/json":
		return asJSON, 1
	case strings.HasSuffix(base, "+json"):
		return asJSON, 2
	case base == "*/*" || base == "application/*":
		return asJSON, 3
	case base == "application/x-www-form-urlencoded":
		return asForm, 4
	case base == "multipart/form-data":
		return asMultipart, 5
	case strings.HasPrefix(base, "text/"):
		return asText, 6
	}
	return "", 0
}

// choose picks the media type of a body.
func choose(content openapi3.Content) (media, as string) {
	best := 0
	for _, name := range slices.Sorted(maps.Keys(content)) {
		if how, rank := writtenAs(name); how != "" && (best == 0 || rank < best) {
			media, as, best = name, how, rank
		}
	}
	if strings.Contains(media, "*") {
		media = "application/json"
	}
	return media, as
}

// body takes the members of a body in, or all of it as one argument where it is no plain
// object.
func (in *intake) body(b *openapi3.RequestBody) error {
	if len(b.Content) == 0 {
		return nil
	}
	media, as := choose(b.Content)
	if as == "" {
		if !b.Required {
			return nil
		}
		return fmt.Errorf("its body is only taken as %s", tidy(strings.Join(slices.Sorted(maps.Keys(b.Content)), ", "), 200))
	}
	content := b.Content[media]
	if content == nil {
		content = b.Content["*/*"]
	}
	to := &body{Media: media, As: as, Required: b.Required}
	schema := (*openapi3.SchemaRef)(nil)
	if content != nil {
		schema = content.Schema
	}
	if schema == nil || schema.Value == nil {
		schema = openapi3.NewSchemaRef("", &openapi3.Schema{})
		if as == asText {
			schema.Value.Type = &openapi3.Types{"string"}
		}
	}
	members, required, flat := (&flattening{}).membersOf(schema.Value, 0)
	switch {
	case as == asText || !flat:
		return in.whole(to, schema, b.Description)
	case len(members) == 0 && b.Required && as == asJSON:
		return in.whole(to, schema, b.Description)
	case len(members) == 0 && as != asForm:
		return nil
	}
	in.op.body = to
	encodings := openapi3.Encodings{}
	if content != nil {
		encodings = content.Encoding
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := in.bodyMember(to, name, members[name], encodings[name], b.Required && slices.Contains(required, name)); err != nil {
			return err
		}
	}
	return nil
}

// whole makes one argument of a body.
func (in *intake) whole(to *body, schema *openapi3.SchemaRef, text string) error {
	if to.As == asMultipart || to.As == asForm {
		return fmt.Errorf("its body is a form whose members are not plain (%s)", to.Media)
	}
	written, err := in.schemas.of(schema, 0)
	if err != nil {
		return err
	}
	if text != "" {
		written = described(written, text)
	}
	to.Whole = in.add("body", "body", written, to.Required)
	in.op.body = to
	return nil
}

func (in *intake) bodyMember(to *body, name string, schema *openapi3.SchemaRef, encoding *openapi3.Encoding, required bool) error {
	if readOnly(schema) {
		return nil
	}
	if to.As == asMultipart && isFile(schema) {
		if required {
			return fmt.Errorf("it takes a file (%q), which no tool can send", tidy(name, 100))
		}
		return nil
	}
	m := member{Name: name}
	if to.As == asForm || to.As == asMultipart {
		m.Style, m.Explode, m.JSON = styleForm, true, true
		if encoding != nil && (encoding.Style != "" || encoding.Explode != nil) {
			m.JSON = false
			if encoding.Style != "" {
				m.Style, m.Explode = encoding.Style, encoding.Style == styleForm || encoding.Style == styleDeepObject
			}
			if encoding.Explode != nil {
				m.Explode = *encoding.Explode
			}
		}
		if !slices.Contains(stylesIn[inQuery], m.Style) {
			return fmt.Errorf("the member %q of its body has the style %q, which no form has", tidy(name, 100), tidy(m.Style, 50))
		}
	}
	if _, fixed := in.api.settings.Fixed[name]; !fixed {
		written, err := in.schemas.of(schema, 0)
		if err != nil {
			return err
		}
		m.Argument = in.add(name, "body", written, required)
	}
	to.Members = append(to.Members, m)
	return nil
}

// isFile: what is binary, itself or in a list.
func isFile(schema *openapi3.SchemaRef) bool {
	if schema == nil || schema.Value == nil {
		return false
	}
	v := schema.Value
	return v.Format == "binary" || v.ContentMediaType != "" && !strings.HasPrefix(v.ContentMediaType, "text/") || v.Items != nil && v.Items.Value != nil && v.Items.Value.Format == "binary"
}

const (
	maxPartDepth = 8
	maxParts     = 200
)

// flattening puts the parts of an object together; their number is bounded, since one may
// be a part of itself.
type flattening struct{ parts int }

// membersOf are the members of a schema that is a plain object, or one of several that
// are put together; not one of those that only some of its members make valid.
func (f *flattening) membersOf(v *openapi3.Schema, depth int) (members openapi3.Schemas, required []string, ok bool) {
	if f.parts++; f.parts > maxParts || depth > maxPartDepth {
		return nil, nil, false
	}
	plain := v.Always == nil && (v.Type == nil || v.Type.Permits("object")) &&
		len(v.OneOf)+len(v.AnyOf)+len(v.PatternProperties)+len(v.DependentSchemas)+len(v.DependentRequired) == 0 &&
		v.Not == nil && v.If == nil && v.PropertyNames == nil && v.MinProps == 0 && len(v.Enum) == 0 && v.Const == nil && v.DynamicRef == "" &&
		v.AdditionalProperties.Schema == nil && (v.AdditionalProperties.Has == nil || !*v.AdditionalProperties.Has)
	typed := v.Type != nil || len(v.Properties) > 0 || len(v.AllOf) > 0
	if !plain || !typed {
		return nil, nil, false
	}
	members = maps.Clone(v.Properties)
	if members == nil {
		members = openapi3.Schemas{}
	}
	required = slices.Clone(v.Required)
	for _, part := range v.AllOf {
		if part == nil || part.Value == nil {
			return nil, nil, false
		}
		more, needed, ok := f.membersOf(part.Value, depth+1)
		if !ok {
			return nil, nil, false
		}
		for name, schema := range more {
			if had, twice := members[name]; twice && had != schema && (had == nil || schema == nil || had.Value != schema.Value) {
				return nil, nil, false
			}
			members[name] = schema
		}
		required = append(required, needed...)
	}
	for _, schema := range members {
		if schema == nil || schema.Value == nil {
			return nil, nil, false
		}
	}
	return members, required, true
}
