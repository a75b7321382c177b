package config

import (
	"regexp"
	"strings"
)

// NotifyBackend names the backend by which colleagues are told something; without one there
// are no tools for it.
type NotifyBackend struct {
	Backend string `yaml:"backend"` // slack, or "" for none
	// Token is the bot token of a Slack app.
	Token Secret `yaml:"token"`
	// External: messages may reach people of other companies, and guests. The tools that
	// post have the effect message then, and write without it.
	External bool `yaml:"external"`
	// Broadcast: a message may call everybody in its channel.
	Broadcast bool `yaml:"broadcast"`
	// BaseURL is where Slack's Web API is; Slack's own address if "".
	BaseURL string `yaml:"base_url"`
}

// ApprovalSlack has approvals asked for in a Slack channel, with buttons.
type ApprovalSlack struct {
	// Channel is the id of the channel.
	Channel string `yaml:"channel"`
	// SigningSecret is what Slack signs the app's requests with.
	SigningSecret Secret `yaml:"signing_secret"`
	// Deciders are who may decide by the buttons: "slack:" and a user's id, or "mail:" and
	// the address of a member of the workspace that Slack has confirmed. Rules name them so.
	Deciders []string `yaml:"deciders"`
}

// minSigningSecret is as short as a secret of the scheme slack may be, in bytes.
const minSigningSecret = 16

var (
	botToken     = regexp.MustCompile(`^(xoxb|xoxe\.xoxb)-[A-Za-z0-9-]+$`)
	slackChannel = regexp.MustCompile(`^[CG][A-Z0-9]{6,20}$`)
	slackUser    = regexp.MustCompile(`^slack:[UW][A-Z0-9]{2,20}$`)
)

func (k *checker) checkNotify() {
	const at = "tools.notify."
	n := k.Tools.Notify
	if n.Backend == "" {
		for name, given := range map[string]bool{"token": n.Token != "", "external": n.External, "broadcast": n.Broadcast, "base_url": n.BaseURL != ""} {
			if given {
				k.refuse(at+name, "there is no backend that has this setting; set backend: slack, or leave it out")
			}
		}
		return
	}
	if n.Backend != "slack" {
		k.oneOf(at+"backend", n.Backend, "slack")
		return
	}
	k.checkBotToken(at+"token", n.Token.Reveal())
	if n.BaseURL == "" {
		return
	}
	if u := k.checkBaseURL(at+"base_url", n.BaseURL); u != nil && unencrypted(u) {
		k.refuse(at+"base_url", "want https: the token could be read on the way; http is for this machine alone")
	}
}

func (k *checker) checkBotToken(at, token string) {
	switch {
	case token == "":
		k.refuse(at, "backend slack needs the bot token of an app, such as ${SLACK_BOT_TOKEN}")
	case strings.HasPrefix(token, "xoxp-"), strings.HasPrefix(token, "xoxe.xoxp-"):
		k.refuse(at, "this is a token of a person, in whose name everything would be posted; want that of the app's bot (xoxb-...)")
	case strings.HasPrefix(token, "xapp-"):
		k.refuse(at, "this is an app-level token, which posts nothing; want that of the app's bot (xoxb-...)")
	case !botToken.MatchString(token):
		k.refuse(at, "this is no bot token of Slack's; want one that begins with xoxb-")
	case strings.HasPrefix(token, "xoxe."):
		k.warn(at, "this token runs out twelve hours after it was made, and nothing here renews it: switch token rotation off for the app, or have something else put a new one here and send SIGHUP")
	}
}

func (k *checker) checkApprovalSlack(at string, s ApprovalSlack) {
	if k.Tools.Notify.Backend != "slack" {
		k.refuse(at, "the messages go out by the app of tools.notify; set backend: slack and its token there")
	}
	if !slackChannel.MatchString(s.Channel) {
		k.refuse(at+".channel", "%s is no id of a channel; want such as C0123ABCD, which Slack shows at the end of the channel's details", k.show(at+".channel", s.Channel))
	}
	switch secret := s.SigningSecret.Reveal(); {
	case secret == "":
		k.refuse(at+".signing_secret", "want the signing secret of the app, such as ${SLACK_SIGNING_SECRET}: without it anybody could press the buttons")
	case len(secret) < minSigningSecret || strings.TrimSpace(secret) != secret:
		k.refuse(at+".signing_secret", "this is no signing secret of Slack's; want the one under Basic Information of the app, %d characters or more", minSigningSecret)
	}
	if len(s.Deciders) == 0 {
		k.refuse(at+".deciders", `nobody could decide by the buttons; list who may, such as "slack:U0123ABCD" or "mail:ada@example.com"`)
	}
	whose := map[string]bool{}
	for _, names := range k.Approvals.People {
		for _, name := range names {
			whose[name] = true
		}
	}
	seen := map[string]bool{}
	for i, name := range s.Deciders {
		path := item(at+".deciders", i)
		address, mailed := strings.CutPrefix(name, "mail:")
		switch {
		case seen[name]:
			k.refuse(path, "%s is there twice", k.show(path, name))
		case !slackUser.MatchString(name) && !(mailed && plainAddress(address) && strings.ToLower(address) == address):
			k.refuse(path, `%s names nobody in Slack; want "slack:" and the id of a user, such as slack:U0123ABCD, or "mail:" and an address in lower case`, k.show(path, name))
		case !whose[name]:
			k.warn(path, "nobody of approvals.people has this name, so that they could agree to what they asked for themselves by a key; name the person there, with all their names")
		}
		seen[name] = true
	}
}

// fitSlackToken gives a token that was not read the form of one.
func (c *Config) fitSlackToken() {
	if c.Tools.Notify.Backend == "slack" && c.source.marks["tools.notify.token"].standIn {
		c.Tools.Notify.Token = "xoxb-not-read"
	}
}

// explainNotify says who is told something, and who may be.
func (c *Config) explainNotify() string {
	n := c.Tools.Notify
	if n.Backend == "" {
		return ""
	}
	text := "to colleagues alone"
	if n.External {
		text = "to people of other companies and guests too"
	}
	if n.Broadcast {
		text += "; may call whole channels"
	}
	if n.BaseURL != "" {
		text += "; at " + c.publicPartAt("tools.notify.base_url", n.BaseURL)
	}
	return text
}
