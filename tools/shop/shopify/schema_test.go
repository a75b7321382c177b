package shopify

import (
	"os"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"drawbridge/tools/shop/shopify/shopifyfake"
)

// valid says what of our operations a schema does not have.
func valid(t *testing.T, name, sdl string) {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: name, Input: sdl})
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range operations {
		document, problems := gqlparser.LoadQueryWithRules(schema, op.text, rules.NewDefaultRules())
		if len(problems) > 0 {
			t.Errorf("%s: %v", op.name, problems)
			continue
		}
		if len(document.Operations) != 1 || document.Operations[0].Name != op.name || (document.Operations[0].Operation == ast.Mutation) != op.write {
			t.Errorf("%s is %d operations, the first named %q", op.name, len(document.Operations), document.Operations[0].Name)
		}
	}
}

func TestOperationsFitTheSchemaOfTheFake(t *testing.T) { valid(t, "fake", shopifyfake.Schema) }

// With DRAWBRIDGE_TEST_SHOPIFY_SCHEMA, the published schema of the Admin API as a file, the
// operations are held against that, and so is the fake's: whatever it has, the published one
// has as well.
func TestOperationsFitThePublishedSchema(t *testing.T) {
	file := os.Getenv("DRAWBRIDGE_TEST_SHOPIFY_SCHEMA")
	if file == "" {
		t.Skip("DRAWBRIDGE_TEST_SHOPIFY_SCHEMA names no file with the published schema of " + APIVersion)
	}
	sdl, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	valid(t, file, string(sdl))
	published, err := gqlparser.LoadSchema(&ast.Source{Name: file, Input: string(sdl)})
	if err != nil {
		t.Fatal(err)
	}
	fake, err := gqlparser.LoadSchema(&ast.Source{Name: "fake", Input: shopifyfake.Schema})
	if err != nil {
		t.Fatal(err)
	}
	for _, ours := range fake.Types {
		if ours.BuiltIn || strings.HasPrefix(ours.Name, "__") {
			continue
		}
		theirs := published.Types[ours.Name]
		if theirs == nil {
			if ours.Kind != ast.Scalar {
				t.Errorf("there is no type %s", ours.Name)
			}
			continue
		}
		for _, value := range ours.EnumValues {
			if theirs.EnumValues.ForName(value.Name) == nil {
				t.Errorf("%s has no %s", ours.Name, value.Name)
			}
		}
		for _, field := range ours.Fields {
			real := theirs.Fields.ForName(field.Name)
			switch {
			case strings.HasPrefix(field.Name, "__"):
			case real == nil:
				t.Errorf("%s has no %s", ours.Name, field.Name)
			case real.Type.String() != field.Type.String():
				t.Errorf("%s.%s is %s, not %s", ours.Name, field.Name, real.Type, field.Type)
			default:
				for _, argument := range field.Arguments {
					if there := real.Arguments.ForName(argument.Name); there == nil || there.Type.String() != argument.Type.String() {
						t.Errorf("%s.%s takes no such %s", ours.Name, field.Name, argument.Name)
					}
				}
			}
		}
		for _, field := range theirs.Fields {
			if ours.Kind == ast.InputObject && field.Type.NonNull && field.DefaultValue == nil && ours.Fields.ForName(field.Name) == nil {
				t.Errorf("%s has to have %s", ours.Name, field.Name)
			}
		}
	}
}
