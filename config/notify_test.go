package config

import (
	"strings"
	"testing"
)

func TestExplanationSaysWhomMessagesReach(t *testing.T) {
	for settings, want := range map[string]string{
		"":                  "notify   slack   to colleagues alone\n",
		", external: true":  "notify   slack   to people of other companies and guests too\n",
		", broadcast: true": "notify   slack   to colleagues alone; may call whole channels\n",
		`, base_url: "http://127.0.0.1:12112/api"`: "to colleagues alone; at http://127.0.0.1:12112",
	} {
		c, err := Parse("drawbridge.yaml", []byte("tools:\n  notify: {backend: slack, token: xoxb-0123-hunter2"+settings+"}"), lookupIn(nil))
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		c.Explain(&out)
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "hunter2") {
			t.Errorf("with %q the explanation does not say %q:\n%s", settings, want, out.String())
		}
	}
	var out strings.Builder
	Default().Explain(&out)
	if strings.Contains(out.String(), "notify") {
		t.Errorf("without settings the explanation speaks of it:\n%s", out.String())
	}
}

// slackSettings ask for approvals in Slack.
const slackSettings = `tools: {notify: {backend: slack, token: %TOKEN%}}
approvals:
  people: {ada: ["slack:U0123ABCD", "key:desk"]}
  notify:
    slack: {channel: C0123ABCD, signing_secret: 0123456789abcdef, deciders: [%DECIDERS%]}
`

func TestDecidersWhoseNamesNobodyKnowsAreWarnedOf(t *testing.T) {
	for deciders, warned := range map[string]int{`"slack:U0123ABCD"`: 0, `"slack:U0123ABCD", "mail:ben@example.com"`: 1, `"slack:U9999ABCD"`: 1} {
		text := strings.NewReplacer("%TOKEN%", "xoxb-0123-abc", "%DECIDERS%", deciders).Replace(slackSettings)
		c, err := Parse("drawbridge.yaml", []byte(text), lookupIn(nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Warnings(); len(got) != warned {
			t.Errorf("of %s it is warned %v", deciders, got)
		}
		var out strings.Builder
		c.Explain(&out)
		if !strings.Contains(out.String(), "Asks for approvals in the Slack channel C0123ABCD; by its buttons slack:") || strings.Contains(out.String(), "0123456789abcdef") {
			t.Errorf("the explanation is\n%s", out.String())
		}
	}
}

func TestTokenThatRunsOutIsWarnedOf(t *testing.T) {
	c, err := Parse("drawbridge.yaml", []byte("tools: {notify: {backend: slack, token: xoxe.xoxb-1-0123}}"), lookupIn(nil))
	if err != nil || len(c.Warnings()) != 1 {
		t.Errorf("%v, warned of is %v", err, c.Warnings())
	}
}

func TestSlackSecretsThatAreNotReadCanBeChecked(t *testing.T) {
	from := Sources{Lookup: lookupIn(nil), Read: func(string, string, string) (Value, error) {
		return Value{Value: "0123456789abcdef0123456789abcdef", StandIn: true}, nil
	}}
	text := strings.NewReplacer("%TOKEN%", `"${file:/run/secrets/slack}"`, "%DECIDERS%", `"slack:U0123ABCD"`, "0123456789abcdef", `"${vault:secret/data/slack#signing}"`).Replace(slackSettings)
	if _, err := ParseFrom("drawbridge.yaml", []byte(text), from); err != nil {
		t.Error(err)
	}
}
