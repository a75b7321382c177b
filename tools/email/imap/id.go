package imap

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

// MaxFolder is how long the name of a folder may be, in bytes: it is a part of ids.
const MaxFolder = 150

// place is where a message is.
type place struct {
	folder        string
	validity, uid uint32
}

func (p place) id() string { return fmt.Sprintf("imap:%s:%d:%d", p.folder, p.validity, p.uid) }

// parseID reads the id of a message. Folders may have colons in their names.
func parseID(id string) (p place, ok bool) {
	rest, ok := strings.CutPrefix(id, "imap:")
	if !ok {
		return place{}, false
	}
	i := strings.LastIndexByte(rest, ':')
	if i < 0 {
		return place{}, false
	}
	j := strings.LastIndexByte(rest[:i], ':')
	if j < 0 {
		return place{}, false
	}
	uid, err := strconv.ParseUint(rest[i+1:], 10, 32)
	validity, err2 := strconv.ParseUint(rest[j+1:i], 10, 32)
	if cmp.Or(err, err2) != nil || uid == 0 || validity == 0 {
		return place{}, false
	}
	return place{rest[:j], uint32(validity), uint32(uid)}, true
}

// renumbered is the answer to an id from before the server numbered its messages anew.
func renumbered(field string, p place, now uint32) error {
	return tools.Errorf(tools.NotFound, "%s: the mail server has numbered the messages of folder %q anew since this id was given out (UIDVALIDITY %d, not %d), so that it names none any more. Find the message with %s.",
		field, p.folder, now, p.validity, email.ToolSearch)
}
