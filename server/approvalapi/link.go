package approvalapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// Links signs and reads links by which one person can decide about one approval, until it
// runs out. Whoever has a link can: it is sent to that person alone.
type Links struct {
	secret []byte
	base   string
}

// NewLinks makes links below a public URL, signed with a secret that all nodes have.
func NewLinks(secret []byte, publicURL string) *Links {
	return &Links{secret: secret, base: strings.TrimRight(publicURL, "/")}
}

// ticket is what a link is good for.
type ticket struct {
	Decider string `json:"d"`
	Until   int64  `json:"u"` // unix seconds
}

// For is the link by which somebody of that name can decide about an approval.
func (l *Links) For(approval, decider string, until time.Time) string {
	said, _ := json.Marshal(ticket{decider, until.Unix()}) // plain data
	token := base64.RawURLEncoding.EncodeToString(said) + "." + base64.RawURLEncoding.EncodeToString(l.sign(approval, said))
	return l.base + "/approvals/" + url.PathEscape(approval) + "?t=" + token
}

func (l *Links) sign(approval string, said []byte) []byte {
	mac := hmac.New(sha256.New, l.secret)
	mac.Write([]byte("approval link\n" + approval + "\n"))
	mac.Write(said)
	return mac.Sum(nil)
}

// read gives whose link it is, "" if it is none for this approval now.
func (l *Links) read(approval, token string, now time.Time) (decider string) {
	text, mac, _ := strings.Cut(token, ".")
	said, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return ""
	}
	got, err := base64.RawURLEncoding.Strict().DecodeString(mac)
	if err != nil || !hmac.Equal(got, l.sign(approval, said)) {
		return ""
	}
	var t ticket
	if json.Unmarshal(said, &t) != nil || now.Unix() >= t.Until {
		return ""
	}
	return t.Decider
}
