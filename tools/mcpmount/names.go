package mcpmount

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"drawbridge/tools"
)

// maxToolName is MCP's (2025-11-25, tools, tool names), the mount's part included.
const maxToolName = 128

// offeredName is a tool's name among ours: the mount's, then the server's own. One
// that is illegal in MCP or too long is made legal and ends in a hash of the
// original, so that it is the same in each process and nobody else's.
func offeredName(mount, own string) string {
	prefix := mount + tools.MountMark
	legal := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-', r == '.':
			return r
		}
		return '_'
	}, own)
	if legal == own && len(prefix)+len(own) <= maxToolName {
		return prefix + own
	}
	sum := sha256.Sum256([]byte(own))
	mark := "_" + hex.EncodeToString(sum[:4])
	if room := maxToolName - len(prefix) - len(mark); len(legal) > room {
		legal = legal[:room]
	}
	return prefix + legal + mark
}
