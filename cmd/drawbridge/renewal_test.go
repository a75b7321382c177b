package main

import (
	"testing"

	"drawbridge/config"
	"drawbridge/tools/payment/stripe"
	"drawbridge/tools/shop/shopify"
)

func TestEachSecretTakesEffectWhereItIsUsed(t *testing.T) {
	cfg := config.Default()
	cfg.Tools.Email.SMTP, cfg.Tools.Email.IMAP = &config.SMTP{}, &config.IMAP{}
	cfg.Tools.MCP, cfg.Tools.OpenAPI = []config.MCPServer{{Name: "far"}}, []config.OpenAPI{{Name: "shop"}}
	cfg.Tools.Notify.Backend = "slack"
	cfg.Approvals.Notify.Slack = &config.ApprovalSlack{}
	cfg.Tools.CRM.HubSpot = &config.HubSpot{}
	cfg.Tools.CRM.Salesforce = &config.Salesforce{}
	cfg.Webhooks = map[string]config.Webhook{"pay": {}, "pay2": {}}
	for path, want := range map[string]string{
		"webhooks.pay.secrets[0]":                                "webhook pay",
		"webhooks.pay.secrets[1].secret":                         "webhook pay",
		"webhooks.pay2.verify_token":                             "webhook pay2",
		"webhooks.pay.callback.secret":                           "callbacks",
		"webhooks.pay.routes[0].callback.secrets[0]":             "callbacks",
		"schedules.nightly.callback.secret":                      "callbacks",
		"callbacks.secrets[0].secret":                            "callbacks",
		"server.keys[1].key":                                     "keys",
		"model.api_key":                                          "models",
		"models.small.api_key":                                   "models",
		"approvals.notify.webhook.secret":                        "notices",
		"tools.email.smtp.password":                              "mail",
		"tools.email.imap.password":                              "mailbox",
		"approvals.notify.slack.signing_secret":                  "buttons in Slack",
		"tools.notify.token":                                     "notify",
		"tools.email.smtp.dkim.key":                              "",
		"server.keys[1].name":                                    "",
		"store.url":                                              "",
		"egress.proxy":                                           "",
		"tools.mcp[0].headers.Authorization":                     "mount far",
		"tools.mcp[0].env.TOKEN":                                 "mount far",
		"tools.mcp[0].url":                                       "",
		"tools.openapi[0].auth.bearer":                           "mount shop",
		"tools.openapi[0].auth.basic.password":                   "mount shop",
		"tools.openapi[0].auth.api_key.value":                    "mount shop",
		"tools.openapi[0].auth.client_credentials.client_secret": "mount shop",
		"tools.openapi[0].headers.X-Key":                         "mount shop",
		"tools.openapi[0].fixed.tenant":                          "mount shop",
		"tools.openapi[0].base_url":                              "",
		"tools.shop.token":                                       "shop",
		"tools.shop.client_secret":                               "shop",
		"tools.payment.key":                                      "payment",
		"tools.crm.hubspot.token":                                "crm",
		"agents.a.instructions":                                  "",
		"webhooks.pay.prompt":                                    "",
		"webhooks.pay.callback.url":                              "",
		"models.small.name":                                      "",
		"tools.crm.salesforce.client_secret":                     "crm",
		"tools.crm.salesforce.private_key":                       "crm",
	} {
		what, do := (&app{backends: &backends{stripe: &stripe.Backend{}, shopify: &shopify.Backend{}}, mounts: &mounts{}}).renewal(cfg, path)
		if what != want || (do != nil) != (want != "") {
			t.Errorf("%s is renewed with %q, want %q", path, what, want)
		}
	}
}
