package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"time"
)

// sendgridScheme follows "Getting started with the event webhook security features"
// (twilio.com/docs/sendgrid): an ECDSA signature of timestamp and body. Its secret
// is the public key that SendGrid shows. How old a delivery may be they do not say.
var sendgridScheme = scheme{
	name: SendGrid,
	forms: []form{{
		names: spelling{
			signature: "X-Twilio-Email-Event-Webhook-Signature",
			timestamp: "X-Twilio-Email-Event-Webhook-Timestamp",
		},
		unit:   time.Second,
		signed: []string{timestampField, bodyField},
		ways:   []way{{"", base64Encoding, ecdsaP256}},
	}},
	readKey:     sendgridKey,
	readPrivate: sendgridPrivate,
	split:       elements,
	inside:      objectID("sg_event_id", "timestamp"),
}

func sendgridKey(secret string) (key, error) {
	der, err := decodeBase64(secret)
	if err != nil {
		return key{}, errors.New("the text is no public key: it is not base64")
	}
	_, err = p256(der)
	return key{bytes: der}, err
}

// sendgridPrivate reads a private key for trying a source out: PEM, or the base64 in
// it, of PKCS #8 or of the older form for elliptic curves (SEC 1).
func sendgridPrivate(secret string) (key, error) {
	der, err := base64.StdEncoding.DecodeString(secret)
	if block, _ := pem.Decode([]byte(secret)); block != nil {
		der, err = block.Bytes, nil
	}
	if err != nil {
		return key{}, errors.New("the private key is neither PEM nor base64")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if old, oldErr := x509.ParseECPrivateKey(der); err != nil && oldErr == nil {
		parsed, err = old, nil
	}
	k, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok || k.Curve != elliptic.P256() {
		return key{}, errors.New("the text is no private key of the curve P-256; a public key cannot sign")
	}
	der, err = x509.MarshalPKCS8PrivateKey(k)
	return key{bytes: der}, err
}
