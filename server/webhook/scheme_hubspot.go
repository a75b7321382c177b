package webhook

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The versions of HubSpot's signatures.
const (
	hubspotV3 = "v3"
	hubspotV2 = "v2"
	hubspotV1 = "v1"
)

// hubspotScheme follows "Validating requests" (developers.hubspot.com). A delivery
// is judged by its newest signature. The older two say nothing of the time, so an
// old delivery could be sent again by them, without the newest: that is stopped by
// the events' keys, or by a source that takes v3 only.
var hubspotScheme = scheme{
	name: HubSpot,
	forms: []form{
		{
			version: hubspotV3,
			names:   spelling{signature: "X-Hubspot-Signature-V3", timestamp: "X-Hubspot-Request-Timestamp"},
			unit:    time.Millisecond,
			signed:  []string{methodField, urlField, bodyField, timestampField},
			ways:    []way{{"", base64Encoding, hmacSHA256}},
			// HubSpot's manual has some characters decoded before the address is
			// signed, and its own libraries leave them.
			addresses: func(address string) []string {
				decoded := hubspotDecoded(address)
				if decoded == address {
					return []string{address}
				}
				return []string{decoded, address}
			},
		},
		hubspotOldForm(hubspotV2, secretField, methodField, urlField, bodyField),
		hubspotOldForm(hubspotV1, secretField, bodyField),
	},
	readKey: textKey,
	split:   elements,
	inside:  hubspotEvent,
}

func hubspotOldForm(version string, signed ...string) form {
	return form{
		version: version,
		names:   spelling{signature: "X-Hubspot-Signature"},
		signed:  signed,
		ways:    []way{{"", hexEncoding, plainSHA256}},
		check:   noExtension,

		versionHeader: "X-Hubspot-Signature-Version",
	}
}

// noExtension refuses what may be made out of another delivery's signature. A plain
// SHA-256 of secret and content can be carried on by whoever has seen one, and what
// is carried on has SHA-256's padding in its middle, which holds a zero byte. No
// JSON, no form and no XML has one.
func noExtension(d Delivery) error {
	if bytes.IndexByte(d.Body, 0) >= 0 || strings.Contains(d.URL, "%00") {
		return unverified("the body holds a zero byte, as one that was forged from another delivery's signature would")
	}
	return nil
}

// withVersions leaves only the forms of these versions.
func withVersions(s scheme, versions []string) (scheme, error) {
	if len(versions) == 0 {
		return s, nil
	}
	var kept []form
	for _, version := range versions {
		i := slices.IndexFunc(s.forms, func(f form) bool { return f.version == version })
		if i < 0 {
			return scheme{}, fmt.Errorf("signature version %q is unknown; there are v3, v2 and v1", version)
		}
	}
	for _, f := range s.forms {
		if slices.Contains(versions, f.version) {
			kept = append(kept, f)
		}
	}
	s.forms = kept
	return s, nil
}

// hubspotEscapes are the characters that HubSpot decodes in an address it signs.
var hubspotEscapes = func() *strings.Replacer {
	var pairs []string
	for _, c := range ":/?@!$'()*,;" {
		pairs = append(pairs, fmt.Sprintf("%%%02X", c), string(c), fmt.Sprintf("%%%02x", c), string(c))
	}
	return strings.NewReplacer(pairs...)
}()

func hubspotDecoded(address string) string { return hubspotEscapes.Replace(address) }

// hubspotEvent finds the key of one event: its id is unique within a subscription
// of one account only.
func hubspotEvent(body []byte) (string, time.Time) {
	found := members(body, "eventId", "subscriptionId", "portalId", "occurredAt")
	at := moment(found["occurredAt"])
	id := text(found["eventId"])
	if id == "" {
		return "", at
	}
	return id + ":" + text(found["subscriptionId"]) + ":" + text(found["portalId"]), at
}
