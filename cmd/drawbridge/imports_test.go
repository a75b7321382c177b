package main

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// imports is the table of DESIGN.md, section 3: which of our own packages each
// package may import. The first row that matches holds; "family" stands for the
// package's own tool family. A package without a row fails the test: give it one
// here and in DESIGN.md.
var imports = []struct {
	pkg     string
	allowed []string
}{
	{"cmd/drawbridge", []string{"*", "*/*", "*/*/*"}},
	{"cmd/chaos", []string{"store/postgres/postgrestest"}},
	{"config", nil},
	{"config/reference", nil},
	{"tools", nil},
	{"tools/sqldb", []string{"tools"}},
	{"tools/connpool", nil},
	{"tools/email/imap", []string{"tools", "family", "tools/connpool", "tools/email/imap/reading"}},
	{"tools/email/smtp", []string{"tools", "family", "tools/connpool"}},
	{"tools/email/imap/imaptest", nil},
	{"tools/email/imap/reading", nil},
	{"tools/sqldb/sqldbtest", []string{"tools/sqldb"}},
	{"tools/money", []string{"tools"}},
	{"tools/payment", []string{"tools", "tools/money"}},
	{"tools/shop", []string{"tools", "tools/money"}},
	{"tools/shop/*", []string{"tools", "tools/backendtest", "tools/money", "family"}},
	{"tools/shop/shopify/shopifyfake", nil},
	{"tools/crm/hubspot", []string{"tools", "tools/money", "family"}},
	{"tools/crm/hubspot/hubspotfake", nil},
	{"tools/crm/salesforce", []string{"tools", "tools/money", "family"}},
	{"tools/crm/salesforce/salesforcefake", nil},
	{"tools/restmount", []string{"tools", "tools/mcpmount"}},
	{"tools/*", []string{"tools"}},
	{"tools/*/*", []string{"tools", "family", "tools/backendtest", "tools/sqldb"}},
	{"tools/payment/stripe/stripefake", nil},
	{"tools/email/smtp/smtptest", nil},
	{"tools/notify/slack/slackfake", nil},
	{"bridge", []string{"bridge/openai", "bridge/convert", "bridge/selection"}},
	{"bridge/bridgetest", []string{"bridge"}},
	{"bridge/replay", []string{"bridge", "bridge/openai"}},
	{"bridge/rehearsal", []string{"bridge/convert/strictrules"}},
	{"bridge/openaitest", []string{"bridge/convert/strictrules"}},
	{"bridge/*", nil},
	{"bridge/*/*", nil},
	{"server", nil},
	{"server/auth", nil},
	{"server/webhook", nil},
	{"server/timetable", nil},
	{"server/mailwatch", []string{"server/webhook"}},
	{"server/egress", nil},
	{"server/callback", []string{"server/egress"}},
	{"server/retention", nil},
	{"server/export", nil},
	{"server/audit", nil},
	{"server/guard", []string{"server/auth", "tools"}},
	{"server/policy", []string{"server/guard", "server/auth", "tools"}},
	{"server/guard/guardtest", []string{"server/guard"}},
	{"server/cache", []string{"server/guard"}},
	{"server/cache/cachetest", []string{"server/guard"}},
	{"server/cache/redistest", nil},
	{"server/mcpserver", []string{"server/auth", "server/guard", "tools"}},
	{"server/mcpserver/conformance", []string{"tools"}},
	{"server/dispatch", []string{"bridge", "bridge/openai", "server/webhook", "server/callback", "server/timetable"}},
	{"server/apierror", nil},
	{"server/apihttp", []string{"server/apierror", "server/auth"}},
	{"server/chatapi", []string{"bridge", "bridge/openai", "server/apierror", "server/apihttp", "server/auth", "server/dispatch", "tools"}},
	{"server/chatapi/chattest", []string{"bridge", "server/dispatch"}},
	{"server/approvalapi", []string{"server/apierror", "server/apihttp", "server/auth", "server/guard"}},
	{"server/slackdesk", []string{"server/guard", "server/webhook"}},
	{"server/runapi", []string{"bridge", "bridge/openai", "server/apierror", "server/apihttp", "server/auth", "server/dispatch", "tools"}},
	{"store/storetest", []string{"bridge", "bridge/bridgetest", "bridge/openai", "server/audit", "server/auth", "server/dispatch", "server/export", "server/guard", "server/guard/guardtest", "server/mailwatch", "server/retention", "server/webhook", "tools", "tools/sqldb", "tools/mcpmount", "tools/mcpmount/mcpmounttest", "tools/schedule"}},
	{"store/state", []string{"bridge", "server/audit", "server/auth", "server/dispatch", "server/export", "server/guard", "server/mailwatch", "server/retention", "server/webhook", "tools", "tools/sqldb", "tools/mcpmount", "tools/schedule"}},
	{"store/copying", []string{"tools/sqldb"}},
	{"store/postgres", []string{"store/state", "store/copying", "server/dispatch", "tools/sqldb"}},
	{"store/*", []string{"store/state", "store/copying", "tools/sqldb"}},
	{"store/postgres/postgrestest", []string{"store/postgres", "store/state", "tools/sqldb"}},
}

func TestPackagesImportOnlyWhatTheTableAllows(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "drawbridge/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 15 {
		t.Fatalf("go list found only %d packages", len(lines))
	}
	for _, line := range lines {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], "drawbridge/")
		allowed, known := allowedFor(pkg)
		if !known {
			t.Errorf("package %s has no row in the import table", pkg)
			continue
		}
		for _, imported := range fields[1:] {
			own, ours := strings.CutPrefix(imported, "drawbridge/")
			if ours && !slices.ContainsFunc(allowed, func(pattern string) bool { return matches(pattern, own) }) {
				t.Errorf("%s imports %s; the table allows it %v", pkg, own, allowed)
			}
		}
	}
}

func allowedFor(pkg string) ([]string, bool) {
	for _, row := range imports {
		if !matches(row.pkg, pkg) {
			continue
		}
		allowed := slices.Clone(row.allowed)
		if i := slices.Index(allowed, "family"); i >= 0 {
			allowed[i] = path.Dir(pkg)
		}
		return allowed, true
	}
	return nil, false
}

func matches(pattern, pkg string) bool {
	ok, err := path.Match(pattern, pkg)
	return err == nil && ok
}

func TestImportTableRefusesAnArrowBack(t *testing.T) {
	for pkg, imported := range map[string]string{
		"tools/crm": "store/sqlite", "bridge": "server/guard", "server/guard": "tools/crm", "tools/crm/builtin": "tools/payment", "store/sqlite": "config", "store/state": "store/sqlite",
	} {
		allowed, _ := allowedFor(pkg)
		if slices.ContainsFunc(allowed, func(pattern string) bool { return matches(pattern, imported) }) {
			t.Errorf("the table lets %s import %s", pkg, imported)
		}
	}
}
