package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"drawbridge/config"
	"drawbridge/config/reference"
)

// references are where the settings have their values from, besides the file: the
// environment, other files, commands and Vault. Each is read once.
func (c *console) references(ctx context.Context) config.Sources {
	reader := reference.New(ctx, reference.Options{Lookup: c.lookup})
	return config.Sources{Lookup: c.lookup, Read: func(_, kind, argument string) (config.Value, error) {
		value, warning, err := reader.Read(kind, argument)
		return config.Value{Value: value, Warning: warning}, err
	}}
}

// memory is what references gave, by their settings and themselves.
type memory map[string]config.Value

func placed(setting, kind, argument string) string { return setting + " " + kind + ":" + argument }

// noting has what is read noted.
func (m memory) noting(from config.Sources) config.Sources {
	read := from.Read
	from.Read = func(setting, kind, argument string) (config.Value, error) {
		value, err := read(setting, kind, argument)
		if err == nil {
			m[placed(setting, kind, argument)] = value
		}
		return value, err
	}
	return from
}

// recalling gives what was read before, and reads nothing but the environment.
func (m memory) recalling(from config.Sources) config.Sources {
	from.Read = func(setting, kind, argument string) (config.Value, error) {
		return m[placed(setting, kind, argument)], nil
	}
	return from
}

// unread reads the environment only: nothing is opened, run or asked for the settings.
func (c *console) unread() config.Sources {
	return config.Sources{Lookup: c.lookup, Read: func(setting, _, _ string) (config.Value, error) { return standIn(setting), nil }}
}

// referencesOfStore are for commands that need to know where the store is, and nothing
// else of the settings.
func (c *console) referencesOfStore(ctx context.Context) config.Sources {
	from := c.references(ctx)
	read := from.Read
	from.Read = func(setting, kind, argument string) (config.Value, error) {
		if !strings.HasPrefix(setting, "store.") {
			return standIn(setting), nil
		}
		return read(setting, kind, argument)
	}
	return from
}

// standIn is a secret of 64 hexadecimal digits, which no two settings share. It is hex
// and base64 to whoever wants that. An address is one that nothing answers at (RFC 2606,
// section 2).
func standIn(setting string) config.Value {
	if strings.HasSuffix(setting, "url") || strings.HasSuffix(setting, ".proxy") {
		return config.Value{Value: "https://not-read.invalid", StandIn: true}
	}
	sum := sha256.Sum256([]byte("stands in for " + setting))
	return config.Value{Value: hex.EncodeToString(sum[:]), StandIn: true}
}
