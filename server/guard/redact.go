package guard

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	redacted     = "[redacted]"
	maxText      = 512     // characters kept of a text in an audit row
	maxArguments = 8 << 10 // bytes of arguments in an audit row
)

// secretParts make a member's name that of a secret wherever they stand in it,
// secretNames only as the whole name. Both without case and separators.
var (
	secretParts = []string{"password", "passwd", "passphrase", "secret", "token", "authorization", "apikey",
		"accesskey", "privatekey", "credential", "cardnumber", "iban"}
	secretNames = []string{"cvc", "cvc2", "cvv", "cvv2", "pin", "pan", "otp"}
)

// secretPartsBy are the secretParts by their first byte.
var secretPartsBy = func() (table [256][]string) {
	for _, part := range secretParts {
		table[part[0]] = append(table[part[0]], part)
	}
	return table
}()

func isSecretName(name string) bool {
	plain := plainName(name)
	if slices.Contains(secretNames, plain) {
		return true
	}
	for i := range len(plain) {
		for _, part := range secretPartsBy[plain[i]] {
			if strings.HasPrefix(plain[i:], part) {
				return true
			}
		}
	}
	return false
}

// redactArguments is what an audit row keeps of arguments: without secrets and
// card numbers, long texts cut, at most maxArguments bytes, always valid JSON.
// Arguments that need none of this are kept as they came.
func redactArguments(raw json.RawMessage, arguments any) json.RawMessage {
	kept, changed := redact(arguments)
	if changed || !utf8.Valid(raw) {
		raw = json.RawMessage(spell(kept))
	}
	if len(raw) <= maxArguments {
		return raw
	}
	head := []rune(string(raw[:maxArguments/4])) // quoting may quadruple it
	return json.RawMessage(spell(map[string]any{
		"cut":  fmt.Sprintf("%d bytes", len(raw)),
		"head": strings.ToValidUTF8(string(head), ""),
	}))
}

// unreadableArguments is kept of arguments that could not be decoded: what may be
// in them is not known, so only their size.
func unreadableArguments(size int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"unreadable":"%d bytes"}`, size))
}

// redact gives a decoded value as it may be kept, and whether that differs. A
// value that does not differ is not copied.
func redact(value any) (any, bool) {
	switch v := value.(type) {
	case string:
		safe, changed := auditShapes.hide(v)
		short := cut(safe, maxText)
		if changed || len(short) != len(safe) {
			return short, true
		}
	case json.Number:
		if safe, changed := auditShapes.hide(string(v)); changed {
			return safe, true
		}
	case []any:
		return redactItems(v)
	case map[string]any:
		return redactMembers(v)
	}
	return value, false
}

func redactItems(items []any) (any, bool) {
	var kept []any
	for i, item := range items {
		if safe, changed := redact(item); changed {
			if kept == nil {
				kept = slices.Clone(items)
			}
			kept[i] = safe
		}
	}
	if kept == nil {
		return items, false
	}
	return kept, true
}

func redactMembers(members map[string]any) (any, bool) {
	var kept map[string]any
	for name, member := range members {
		safe, changed := any(redacted), true
		if !isSecretName(name) {
			safe, changed = redact(member)
		}
		if changed && kept == nil {
			kept = make(map[string]any, len(members))
			for k, v := range members {
				kept[k] = v
			}
		}
		if changed {
			kept[name] = safe
		}
	}
	if kept == nil {
		return members, false
	}
	return kept, true
}
