package config

import (
	"fmt"
	"io"
	"maps"
	"net/mail"
	"slices"
	"strings"
)

// Approvals is who is asked to agree to calls that a rule wants approved. Who may decide
// about one is the rule's to say, and that of keys with approve.
type Approvals struct {
	// People gives the names of one person: a person decides once about an approval, and
	// not about what that person asked for, under whatever name.
	People map[string][]string `yaml:"people"`
	// Notify is who is told that an approval waits.
	Notify ApprovalNotify `yaml:"notify"`
}

// ApprovalNotify are those who get a link to decide by, which needs server.public_url, and
// a channel of Slack.
type ApprovalNotify struct {
	Email   []string         `yaml:"email"`
	Webhook *ApprovalWebhook `yaml:"webhook"`
	Slack   *ApprovalSlack   `yaml:"slack"` // without a link: it has buttons
}

// ApprovalWebhook is an address that gets a signed message with a link for whoever it
// passes that on to.
type ApprovalWebhook struct {
	URL    string `yaml:"url"`
	Secret Secret `yaml:"secret"` // whsec_ or whsk_, as of a callback
}

// kindsOfNames are how the names of those begin who can decide.
var kindsOfNames = []string{"key:", "cert:", "mail:", "local:", "client:", "link:", "slack:"}

func (k *checker) checkApprovals() {
	const path = "approvals"
	whose := map[string]string{}
	for _, person := range slices.Sorted(maps.Keys(k.Approvals.People)) {
		at := child(path+".people", person)
		if strings.Contains(person, ":") || person == "" {
			k.refuse(at, "want a person's name, without a colon: it stands beside key:... and mail:... in the rules")
		}
		for i, name := range k.Approvals.People[person] {
			begins := func(kind string) bool { return strings.HasPrefix(name, kind) && len(name) > len(kind) }
			switch other, taken := whose[name]; {
			case !slices.ContainsFunc(kindsOfNames, begins):
				k.refuse(item(at, i), `%s is no name of somebody who decides; want "key:" and a key's name, "cert:" and the name of a certificate's rule, "mail:" and an address, "local:" and a user of this machine, or "slack:" and a user's id there`, k.show(item(at, i), name))
			case taken:
				k.refuse(item(at, i), "%s is %s's already", k.show(item(at, i), name), other)
			}
			whose[name] = person
		}
	}
	notify := k.Approvals.Notify
	for i, address := range notify.Email {
		at := item(path+".notify.email", i)
		if !plainAddress(address) {
			k.refuse(at, "%s is no address; want one such as ada@example.com", k.show(at, address))
		} else if slices.Contains(notify.Email[:i], address) {
			k.refuse(at, "%s is there twice", k.show(at, address))
		}
	}
	if notify.Webhook != nil {
		k.checkCallback(path+".notify.webhook", Callback{URL: notify.Webhook.URL, Secret: notify.Webhook.Secret, Schedule: DefaultCallback().Schedule})
	}
	if notify.Slack != nil {
		k.checkApprovalSlack(path+".notify.slack", *notify.Slack)
	}
	if (len(notify.Email) > 0 || notify.Webhook != nil) && k.Server.PublicURL == "" {
		k.refuse(path+".notify", "the links that people get need server.public_url: set it to where they reach this server")
	}
}

func plainAddress(text string) bool {
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Address == text
}

func (c *Config) explainApprovals(w io.Writer) {
	var told []string
	told = append(told, c.Approvals.Notify.Email...)
	if hook := c.Approvals.Notify.Webhook; hook != nil {
		told = append(told, hook.URL)
	}
	if len(told) > 0 {
		fmt.Fprintf(w, "Tells %s of calls that wait for an approval, with a link to decide by.\n", strings.Join(told, ", "))
	}
	if s := c.Approvals.Notify.Slack; s != nil {
		fmt.Fprintf(w, "Asks for approvals in the Slack channel %s; by its buttons %s may decide. Slack sends what is pressed to /slack/interactions.\n", s.Channel, strings.Join(s.Deciders, ", "))
	}
	var may []string
	for _, key := range c.Server.Keys {
		if key.Approve {
			may = append(may, key.Name)
		}
	}
	if len(may) > 0 {
		fmt.Fprintf(w, "The keys %s may decide about approvals.\n", strings.Join(may, ", "))
	}
	may = nil
	for _, certificate := range c.Auth.Certificates {
		if certificate.Approve {
			may = append(may, certificate.Name)
		}
	}
	if len(may) > 0 {
		fmt.Fprintf(w, "The client certificates of %s may decide about approvals.\n", strings.Join(may, ", "))
	}
}
