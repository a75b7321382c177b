package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"drawbridge/bridge/openai"
	"drawbridge/config"
	"drawbridge/server/egress"
	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

// egressOf are the rules by which everything of this process goes out.
func egressOf(e config.Egress) *egress.Rules {
	settings := egress.Settings{AllowHosts: e.AllowHosts, AllowCIDRs: e.Prefixes(), Proxy: e.ProxyURL()}
	for _, port := range e.Ports {
		settings.Ports = append(settings.Ports, uint16(port))
	}
	return egress.New(settings, egress.Options{Fence: fenceOf})
}

// fenceOf is what stands before a call of a tool.
func fenceOf(ctx context.Context) func(context.Context) error {
	if fence := tools.FenceOf(ctx); fence != nil {
		return fence.Check
	}
	return nil
}

// modelClient asks models, where the settings say that they are and nowhere else
// inside. It follows no redirect: where that leads nobody has said.
func modelClient(rules *egress.Rules, models []openai.ModelSettings) *http.Client {
	var reach egress.Reach
	for _, m := range models {
		reach.Named = append(reach.Named, m.BaseURL)
	}
	return &http.Client{Transport: rules.Guard(openai.NewTransport(), reach), CheckRedirect: egress.NoRedirects}
}

// mountTransport reaches one mounted server, wherever it is.
func mountTransport(rules *egress.Rules, url string) http.RoundTripper {
	return rules.Guard(mcpmount.NewTransport(), egress.Reach{Named: []string{url}, Connect: 10 * time.Second})
}

// vendorClient asks a vendor's API, where the settings say that it is and nowhere else
// inside. It follows no redirect: those would carry a key elsewhere.
func vendorClient(rules *egress.Rules, url string) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &http.Client{Transport: rules.Guard(transport, egress.Reach{Named: []string{url}, Connect: 10 * time.Second}), CheckRedirect: egress.NoRedirects}
}

// mailDialer connects to the mail server of the settings, wherever it is.
func mailDialer(rules *egress.Rules, address string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return rules.Dialer(egress.Reach{Named: []string{"smtp://" + address}, Connect: 10 * time.Second})
}

// callbackReach is what a callback of the settings may reach: this machine as well.
var callbackReach = egress.Reach{Loopback: true}

// egressProblems are the addresses of callbacks that would be refused at every attempt,
// as far as their form tells.
func egressProblems(cfg *config.Config, rules *egress.Rules) config.Problems {
	var problems config.Problems
	cfg.EachCallback(func(path string, c config.Callback) {
		if _, err := rules.CheckURL(c.URL, callbackReach); err != nil {
			problems = append(problems, cfg.Problem(path+".url", "%v", err))
		}
	})
	return problems
}

// egressWarnings are the addresses of callbacks whose names lead, as of now, where
// nothing is called.
func egressWarnings(ctx context.Context, cfg *config.Config, rules *egress.Rules) []string {
	var warnings []string
	cfg.EachCallback(func(path string, c config.Callback) {
		u, err := rules.CheckURL(c.URL, callbackReach)
		if err == nil {
			err = rules.Probe(ctx, u, callbackReach)
		}
		if err != nil {
			warnings = append(warnings, fmt.Sprint(cfg.Problem(path+".url", "%v", err)))
		}
	})
	return warnings
}
