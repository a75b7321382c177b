package config

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
)

// EmailBackend names the backend for mail, and whose mail it is.
type EmailBackend struct {
	Backend string `yaml:"backend"` // outbox or smtp
	From    string `yaml:"from"`    // the sender's address, RFC 5322
	SMTP    *SMTP  `yaml:"smtp"`    // for backend smtp
	IMAP    *IMAP  `yaml:"imap"`    // the mailbox beside it
}

// SMTP is a mail server, and how it is spoken to.
type SMTP struct {
	Address string `yaml:"address"` // host:port
	// TLS is starttls, implicit or none, which is for this machine; "" is starttls.
	TLS string `yaml:"tls"`
	// CA is a file with the authorities that may have signed the server's certificate; ""
	// for those of the system.
	CA string `yaml:"ca"`
	// Auth is plain, login, xoauth2 or none; "" is plain with a username, else none.
	Auth     string `yaml:"auth"`
	Username string `yaml:"username"`
	Password Secret `yaml:"password"` // of xoauth2: an access token
	DKIM     *DKIM  `yaml:"dkim"`
}

// DKIM signs mail in the name of a domain.
type DKIM struct {
	Domain   string `yaml:"domain"` // "" for that of the sender
	Selector string `yaml:"selector"`
	Key      Secret `yaml:"key"` // PEM
}

// Security is how the connection is encrypted.
func (s SMTP) Security() string {
	if s.TLS == "" {
		return "starttls"
	}
	return s.TLS
}

// Way is how we say who we are.
func (s SMTP) Way() string {
	switch {
	case s.Auth != "":
		return s.Auth
	case s.Username != "":
		return "plain"
	}
	return "none"
}

// SigningDomain is whose name mail is signed in.
func (e EmailBackend) SigningDomain() string {
	if e.SMTP.DKIM.Domain != "" {
		return e.SMTP.DKIM.Domain
	}
	return e.domain()
}

func (e EmailBackend) domain() string {
	from, err := mail.ParseAddress(e.From)
	if err != nil {
		return ""
	}
	return from.Address[strings.LastIndex(from.Address, "@")+1:]
}

func (k *checker) checkEmail() {
	const at = "tools.email."
	e := k.Tools.Email
	k.oneOf(at+"backend", e.Backend, "outbox", "smtp")
	k.checkIMAP(at+"imap", e)
	if _, err := mail.ParseAddress(e.From); err != nil {
		k.refuse(at+"from", "%s is no mail address; want one such as billing@example.com or Billing <billing@example.com>",
			k.show(at+"from", e.From))
	}
	switch {
	case e.Backend == "smtp" && e.SMTP == nil:
		k.refuse(at+"backend", "backend smtp needs the mail server; set tools.email.smtp")
	case e.Backend == "smtp":
		k.checkSMTP(at+"smtp", e)
	case e.SMTP != nil:
		k.refuse(at+"smtp", "only backend smtp has this setting; leave it out, or set backend: smtp")
	}
}

func (k *checker) checkSMTP(at string, e EmailBackend) {
	s := *e.SMTP
	host, port, err := net.SplitHostPort(s.Address)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || host == "" || strings.ContainsAny(host, "/@ ") {
		k.refuse(at+".address", "%s is not host:port of a mail server; want such as smtp.example.com:587", k.show(at+".address", s.Address))
	}
	k.oneOf(at+".tls", s.Security(), "starttls", "implicit", "none")
	if s.Security() == "none" && !loopback(s.Address) {
		k.refuse(at+".tls", "mail and password could be read on the way; none is for a mail server on this machine. Want starttls, or implicit")
	}
	if s.CA != "" && s.Security() == "none" {
		k.refuse(at+".ca", "nothing is encrypted, so that no certificate is looked at; leave ca out, or encrypt")
	}
	k.checkLogin(at, s)
	k.checkDKIM(at+".dkim", e)
}

func (k *checker) checkLogin(at string, s SMTP) {
	k.oneOf(at+".auth", s.Way(), "plain", "login", "xoauth2", "none")
	if s.Way() == "none" {
		if s.Username != "" {
			k.refuse(at+".username", "nobody is told it with auth: none; leave it out, or say how")
		}
		if s.Password != "" {
			k.refuse(at+".password", "nobody is told it without a username and a way to do so; leave it out, or set username")
		}
		return
	}
	if s.Username == "" {
		k.refuse(at+".username", "auth %s needs one", k.asWritten(at+".auth", s.Way()))
	}
	if s.Password == "" {
		k.refuse(at+".password", "auth %s needs one, such as ${SMTP_PASSWORD}; of xoauth2 it is the access token", k.asWritten(at+".auth", s.Way()))
	}
}

var selectorForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

func (k *checker) checkDKIM(at string, e EmailBackend) {
	d := e.SMTP.DKIM
	if d == nil {
		return
	}
	if !selectorForm.MatchString(d.Selector) {
		k.refuse(at+".selector", "%s is no selector; want the name before ._domainkey in the DNS of the domain, such as mail", k.show(at+".selector", d.Selector))
	}
	switch domain, from := strings.ToLower(e.SigningDomain()), strings.ToLower(e.domain()); {
	case d.Domain != "" && !selectorForm.MatchString(d.Domain):
		k.refuse(at+".domain", "%s is no domain", k.show(at+".domain", d.Domain))
	case from != domain && !strings.HasSuffix(from, "."+domain):
		k.warn(at+".domain", "mail is signed by another domain than it is from: receivers who ask for both to be the same (DMARC) will not count the signature")
	}
	if !signingKey(d.Key.Reveal()) {
		k.refuse(at+".key", "want a private key in PEM: RSA of 2048 bits or more, or Ed25519, such as ${file:/run/secrets/dkim.pem}")
	}
}

func signingKey(text string) bool {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return false
		}
	}
	switch key := parsed.(type) {
	case *rsa.PrivateKey:
		return key.N.BitLen() >= 2048
	case ed25519.PrivateKey:
		return true
	}
	return false
}

// fitSigningKey gives DKIM a key of nobody's where its own was not read.
func (c *Config) fitSigningKey() {
	server := c.Tools.Email.SMTP
	if server == nil || server.DKIM == nil || !c.source.marks["tools.email.smtp.dkim.key"].standIn {
		return
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return // the setting is refused then
	}
	if encoded, err := x509.MarshalPKCS8PrivateKey(private); err == nil {
		server.DKIM.Key = Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
	}
}

// explainEmail says who mail is from, and which way it goes.
func (c *Config) explainEmail() (said string) {
	e := c.Tools.Email
	text := "from " + e.From
	if e.SMTP == nil {
		return text
	}
	text += "; by " + e.SMTP.Address
	if e.IMAP != nil {
		defer func() { said += e.IMAP.explain() }()
	}
	switch e.SMTP.Security() {
	case "starttls":
		text += ", encrypted by STARTTLS"
	case "implicit":
		text += ", encrypted from the start"
	default:
		text += ", NOT encrypted"
	}
	if e.SMTP.Way() == "none" {
		text += ", without a login"
	} else {
		text += ", as " + e.SMTP.Username + " (" + e.SMTP.Way() + ")"
	}
	if d := e.SMTP.DKIM; d != nil {
		text += ", signed by " + d.Selector + "._domainkey." + e.SigningDomain()
	}
	return text
}
