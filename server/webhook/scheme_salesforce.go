package webhook

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// salesforceScheme takes Salesforce's outbound messages (SOAP API guide, "Outbound
// Messaging"). They are not signed: whoever knows the token at the end of the
// address is believed, if the organization in the message is also the source's, where
// one is set. A client certificate can be asked for besides.
//
// A message holds up to 100 notifications, and is sent again for a day until it is
// answered with an acknowledgement in SOAP.
func salesforceScheme(organization string) (scheme, error) {
	s := scheme{
		name:    Salesforce,
		forms:   []form{{inPath: true, signed: []string{bodyField}, ways: []way{{"", shownEncoding, shown}}}},
		readKey: pathKey,
		split:   notifications,
		inside:  notificationID,
		reply:   &Reply{ContentType: "text/xml; charset=utf-8", Body: []byte(soapAck)},
	}
	if organization != "" {
		if len(organization) != 15 && len(organization) != 18 {
			return scheme{}, errors.New("an organization's id has 15 or 18 characters")
		}
		s.check = func(d Delivery) error { return ofOrganization(d.Body, organization) }
	}
	return s, nil
}

const soapAck = `<?xml version="1.0" encoding="UTF-8"?>` +
	`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>` +
	`<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>` +
	`</soapenv:Body></soapenv:Envelope>`

// minPathToken is 128 bits, in characters of base64 (ING-31).
const minPathToken = 22

// pathKey takes a token that stands in a path as it is: every way of escaping it
// would be another spelling of the secret.
func pathKey(secret string) (key, error) {
	odd := strings.ContainsFunc(secret, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' || r == '~')
	})
	if odd || strings.Trim(secret, ".") == "" {
		return key{}, errors.New("the token stands in a path: want letters, digits, -, _, . and ~ only")
	}
	return key{bytes: []byte(secret)}, nil
}

// ofOrganization compares the sender's organization. The first 15 characters are the
// id, and the other three a checksum for who cannot tell capitals.
func ofOrganization(body []byte, organization string) error {
	got := ""
	_ = soapMessage(body, func(path string, element []byte, content string) bool {
		if path == "Envelope/Body/notifications/OrganizationId" {
			got = content
		}
		return got == ""
	})
	if len(got) != 15 && len(got) != 18 || got[:15] != organization[:15] {
		return unverified("the message is not of the source's organization")
	}
	return nil
}

// notifications are the exact bytes of each Notification of a message; nil if it is
// no message, or one cut short.
func notifications(body []byte) [][]byte {
	var parts [][]byte
	err := soapMessage(body, func(path string, element []byte, _ string) bool {
		if path == "Envelope/Body/notifications/Notification" {
			parts = append(parts, element)
		}
		return len(parts) <= maxParts
	})
	if err != nil || len(parts) > maxParts {
		return nil
	}
	return parts
}

// notificationID reads one notification. Its id stays the same when it is sent again.
func notificationID(element []byte) (id string, at time.Time) {
	stamps := map[string]time.Time{}
	_ = soapMessage(element, func(path string, _ []byte, content string) bool {
		switch path {
		case "Notification/Id":
			id = content
		case "Notification/sObject/LastModifiedDate", "Notification/sObject/SystemModstamp", "Notification/sObject/CreatedDate":
			if at, err := time.Parse(time.RFC3339, content); err == nil {
				stamps[path] = at
			}
		}
		return true
	})
	for _, field := range []string{"LastModifiedDate", "SystemModstamp", "CreatedDate"} {
		if at := stamps["Notification/sObject/"+field]; !at.IsZero() {
			return id, at
		}
	}
	return id, time.Time{}
}

// maxDepth bounds how deep a message may be nested: one that is deeper is none.
const maxDepth = 32

var errTooDeep = fmt.Errorf("nested deeper than %d elements", maxDepth)
