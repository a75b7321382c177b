package webhook

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// xScheme follows "Securing webhooks" (developer.x.com): the HMAC of the body under
// the app's consumer secret. The same secret answers the check that X makes of the
// address with a GET.
var xScheme = scheme{
	name: X,
	forms: []form{{
		names:  spelling{signature: "X-Twitter-Webhooks-Signature"},
		signed: []string{bodyField},
		ways:   []way{{"sha256=", base64Encoding, hmacSHA256}},
	}},
	readKey: textKey,
	check:   xIsObject,
	greet:   xGreet,
	inside:  xEvent,
}

// crcForm is what X's tokens are made of.
var crcForm = regexp.MustCompile(`^[A-Za-z0-9+/=_.-]{1,256}$`)

// xGreet answers the challenge-response check. Whoever asks gets a signature of his
// own text, by the key that signs deliveries. So only what can never be a delivery
// is signed here, and xIsObject refuses the rest there.
func xGreet(e *engine, query url.Values, at time.Time) (Reply, error) {
	token := query.Get("crc_token")
	if !crcForm.MatchString(token) {
		return Reply{}, malformed("no crc_token of X's form in the query")
	}
	for _, k := range e.keys {
		if k.ended(at) {
			continue
		}
		mac := hmacSHA256.mac(k.bytes, [][]byte{[]byte(token)})
		body, err := json.Marshal(map[string]string{"response_token": "sha256=" + base64.StdEncoding.EncodeToString(mac)})
		return Reply{ContentType: "application/json", Body: body}, err
	}
	return Reply{}, unverified("every secret has ended")
}

// xIsObject refuses a body that could be a crc_token.
func xIsObject(d Delivery) error {
	if !bytes.HasPrefix(bytes.TrimLeft(d.Body, " \t\r\n"), []byte("{")) {
		return unverified("the body is no JSON object, and X delivers nothing else")
	}
	return nil
}

// xEvent finds the key of an activity: a list of one kind ("tweet_create_events"),
// for one user. Each element's id makes it; a kind without ids has none.
func xEvent(body []byte) (string, time.Time) {
	var activity map[string]json.RawMessage
	if json.Unmarshal(body, &activity) != nil {
		return "", time.Time{}
	}
	kind, several := "", false
	for name := range activity {
		if strings.HasSuffix(name, "_events") {
			several = several || kind != ""
			kind = name
		}
	}
	events := elements(activity[kind])
	if several || len(events) == 0 {
		return "", time.Time{}
	}
	first := members(events[0], "timestamp_ms", "created_timestamp")
	at := moment(first["timestamp_ms"])
	if at.IsZero() {
		at = moment(first["created_timestamp"])
	}
	ids := []string{text(activity["for_user_id"]), kind}
	for _, event := range events {
		found := members(event, "id_str", "id")
		id := cmp.Or(text(found["id_str"]), text(found["id"]))
		if id == "" {
			return "", at
		}
		ids = append(ids, id)
	}
	return strings.Join(ids, ":"), at
}
