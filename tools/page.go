package tools

import (
	"encoding/base64"
	"encoding/json"
)

// DefaultLimit and MaxLimit bound every list. A limit of 0 means the default.
const (
	DefaultLimit = 20
	MaxLimit     = 100
)

// Page is embedded in the input of every tool that lists.
type Page struct {
	Limit  int    `json:"limit,omitempty" jsonschema:"How many to return at most." minimum:"1" maximum:"100" default:"20"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the previous page, to go on from there. Leave out for the first page." maxLength:"500"`
}

// Size is the limit to use: the default if none was given, never above MaxLimit.
func (p Page) Size() int {
	switch {
	case p.Limit <= 0:
		return DefaultLimit
	case p.Limit > MaxLimit:
		return MaxLimit
	}
	return p.Limit
}

// EncodeCursor makes an opaque cursor from the position after the last row
// given: whatever the backend needs to go on, such as the row's sort key and id.
func EncodeCursor(position any) string {
	raw, err := json.Marshal(position)
	if err != nil {
		panic("tools: cursor position cannot be encoded: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// DecodeCursor reads a cursor made by EncodeCursor into position. An empty cursor
// leaves position as it is and reports false.
func DecodeCursor(cursor string, position any) (bool, error) {
	if cursor == "" {
		return false, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(raw, position)
	}
	if err != nil {
		return false, Errorf(Invalid, "cursor: not a cursor this tool gave out. Leave it out to start from the first page, or pass next_cursor unchanged.")
	}
	return true, nil
}
