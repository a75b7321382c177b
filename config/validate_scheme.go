package config

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// checkScheme fails closed: a source without a scheme we know is refused, and so
// is a setting that the scheme would ignore.
func (k *checker) checkScheme(path string, w Webhook) {
	rule, known := w.rule()
	switch {
	case w.Scheme == "":
		k.refuse(path+".scheme", "no scheme says how deliveries are signed; there are %s", strings.Join(schemeNames(), ", "))
		return
	case w.Scheme == "none":
		k.refuse(path+".scheme", "unsigned deliveries are not accepted; there are %s", strings.Join(schemeNames(), ", "))
		return
	case !known:
		k.oneOf(path+".scheme", w.Scheme, schemeNames()...)
		return
	}
	for _, setting := range w.schemeSettings() {
		if setting.set && !slices.Contains(rule.settings, setting.key) {
			k.refuse(path+"."+setting.key, "%s this setting; leave the key out", schemesWith(setting.key))
		}
	}
	if rule.url && k.Server.PublicURL == "" {
		k.refuse(path+".scheme", "deliveries of scheme %s sign the address they are sent to, and it is not known here; set server.public_url to how the outside reaches this server", w.Scheme)
	}
	between(k, path+".tolerance", w.Tolerance, Duration(30*time.Second), Duration(time.Hour))
	if k.source.has(path+".tolerance") && !rule.stamped && !w.FromMail() {
		k.refuse(path+".tolerance", "nothing to tolerate: deliveries of this source sign no timestamp; leave the key out")
	}
	if slices.Contains(rule.settings, "client_ca") {
		k.checkClients(path, w)
	}
	if w.Answer != DefaultWebhook().Answer && rule.answers {
		k.refuse(path+".answer", "senders of scheme %s want to hear what their protocol prescribes; leave the key out", w.Scheme)
	}
	k.checkOwn(path, w)
}

// checkOwn checks the settings of the scheme's own.
func (k *checker) checkOwn(path string, w Webhook) {
	switch w.Scheme {
	case custom:
		k.checkCustom(path, w)
		k.checkHeaders(path, w)
	case tokens:
		k.checkHeaders(path, w)
	case imapScheme:
		k.checkMailSource(path, w)
	case unsafeNone:
		k.checkHeaders(path, w)
		k.checkUnsafe(path, w)
	case hubspot:
		for i, version := range w.Versions {
			k.oneOf(item(path+".versions", i), version, "v3", "v2", "v1")
		}
	case meta:
		if w.VerifyToken == "" {
			k.refuse(path+".verify_token", "scheme meta needs the token that was entered together with the address, or Meta cannot be told that it is ours")
		}
	case openAI:
		if w.Fetch && w.WakesBatches() {
			k.refuse(path+".fetch", "no route would look at what is fetched; add agent and prompt, or leave the key out")
		}
	case salesforce:
		if n := len(w.Organization); n != 0 && n != 15 && n != 18 {
			k.refuse(path+".organization", "%s is no id of an organization; want its 15 or 18 characters, such as 00D000000000001", k.show(path+".organization", w.Organization))
		}
	}
}

// checkCustom checks the description of a sender's own HMAC.
func (k *checker) checkCustom(path string, w Webhook) {
	if w.Header == "" {
		k.refuse(path+".header", "scheme hmac needs the name of the header that holds the signature")
	}
	if w.Encoding == "" {
		k.refuse(path+".encoding", "scheme hmac needs to know how the signature is encoded; want hex or base64")
	} else {
		k.oneOf(path+".encoding", w.Encoding, "hex", "base64")
	}
	for _, choice := range []struct {
		key, value string
		known      []string
	}{
		{"timestamp_unit", w.TimestampUnit, []string{"s", "ms"}},
		{"hash", w.Hash, []string{"sha256", "sha512", "sha1"}},
		{"secret_encoding", w.SecretEncoding, []string{"text", "hex", "base64"}},
	} {
		if choice.value != "" {
			k.oneOf(path+"."+choice.key, choice.value, choice.known...)
		}
	}
	if w.TimestampUnit != "" && w.TimestampHeader == "" {
		k.refuse(path+".timestamp_unit", "the unit of no timestamp: set timestamp_header, or leave the key out")
	}
	k.checkSigned(path+".signed", w)
}

// checkSigned checks the template of what is signed. The body and the time have to be
// in it, or anybody could change them.
func (k *checker) checkSigned(at string, w Webhook) {
	if w.Signed == "" {
		return
	}
	fields := map[string]bool{"body": true, "method": true, "url": true, "id": w.IDHeader != "", "timestamp": w.TimestampHeader != ""}
	rest := w.Signed
	for {
		_, after, found := strings.Cut(rest, "{")
		if !found {
			break
		}
		field, tail, closed := strings.Cut(after, "}")
		if known := fields[field]; !closed || !known {
			k.refuse(at, "there is no field {%s}; there are {body}, {method} and {url}, {timestamp} with a timestamp_header and {id} with an id_header", field)
			return
		}
		rest = tail
	}
	if !strings.Contains(w.Signed, "{body}") {
		k.refuse(at, "without {body} in it, anybody could change the body")
	}
	if w.TimestampHeader != "" && !strings.Contains(w.Signed, "{timestamp}") {
		k.refuse(at, "without {timestamp} in it, anybody could change the time")
	}
}

// checkHeaders keeps apart what is stored with an event from what must not be.
func (k *checker) checkHeaders(path string, w Webhook) {
	taken := map[string]string{}
	for _, header := range []struct{ key, name string }{
		{"header", w.Header}, {"id_header", w.IDHeader}, {"timestamp_header", w.TimestampHeader},
	} {
		name := http.CanonicalHeaderKey(header.name)
		at := path + "." + header.key
		switch {
		case name == "":
		case strings.ContainsFunc(name, isNoHeader):
			k.refuse(at, "%s is no header name", k.show(at, header.name))
		case taken[name] != "":
			k.refuse(at, "%s is also the %s", k.show(at, header.name), taken[name])
		case header.key != "header" && holdsCredential(name):
			k.refuse(at, "header %s holds a credential, and the value of this one is stored with the event", k.show(at, header.name))
		}
		taken[name] = header.key
	}
}

func holdsCredential(header string) bool {
	return header == "Authorization" || header == "Proxy-Authorization" || header == "Cookie"
}

// isNoHeader tells characters that no header name has (RFC 9110, section 5.6.2).
func isNoHeader(r rune) bool {
	return isOdd(r) && !strings.ContainsRune("!#$%&'*+.^`|~", r)
}

// checkUnsafe: who takes what anybody sends has to say so twice, and from whom.
func (k *checker) checkUnsafe(path string, w Webhook) {
	if !w.UnsafeNoVerification {
		k.refuse(path+".scheme", "scheme unsafe_none believes whatever anybody sends; if that is meant, set unsafe_no_verification: true beside it")
	}
	if len(w.AllowIPs) == 0 {
		k.refuse(path+".allow_ips", "deliveries of scheme unsafe_none prove nothing, so it takes them from listed addresses only; set allow_ips, such as [10.0.0.0/8]")
	}
}
