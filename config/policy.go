package config

import (
	"maps"
	"regexp"
	"slices"
	"time"
)

// Policy is what becomes of calls that are permitted: rules, tried in their order, of which
// the first that fits decides.
type Policy struct {
	Rules []PolicyRule `yaml:"rules"`
	// Facts are what conditions may look up besides, as facts.NAME.
	Facts map[string]PolicyFact `yaml:"facts"`
	// Defaults is on or off: whether Drawbridge's own rules stand behind Rules.
	Defaults string `yaml:"defaults"`
	// Hosts are our own, with all below them: an address there is not one of outsiders.
	Hosts []string `yaml:"hosts"`
}

// PolicyRule is one rule.
type PolicyRule struct {
	Name string `yaml:"name"`
	When string `yaml:"when"` // CEL
	// Then is allow, deny, approve, redact or dry_run.
	Then    string      `yaml:"then"`
	Reason  string      `yaml:"reason"`
	Approve PolicyTerms `yaml:"approve"`
	// Redact are the members of the result that the caller does not see.
	Redact []string `yaml:"redact"`
}

// PolicyTerms say who may approve, how many have to, and until when.
type PolicyTerms struct {
	By     []string `yaml:"by"` // patterns of principals: key:desk, key:*
	Count  int      `yaml:"count"`
	Within Duration `yaml:"within"`
}

// PolicyFact is looked up by a tool that reads.
type PolicyFact struct {
	Tool string            `yaml:"tool"`
	Args map[string]string `yaml:"args"`  // CEL
	Of   string            `yaml:"value"` // CEL over result
}

// What [Policy.Defaults] may be.
const (
	PolicyDefaultsOn  = "on"
	PolicyDefaultsOff = "off"
)

var factForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// builtInFacts are names that facts of the settings cannot have.
var builtInFacts = []string{"amount_known", "amount_minor", "currency", "payment", "customer", "recipients", "recipients_known", "recipients_of_event", "new_addresses"}

// checkPolicy checks what can be told without reading the expressions, which is done where
// they are compiled.
func (k *checker) checkPolicy() {
	k.oneOf("policy.defaults", k.Policy.Defaults, PolicyDefaultsOn, PolicyDefaultsOff)
	for i, rule := range k.Policy.Rules {
		path := item("policy.rules", i)
		k.oneOf(path+".then", rule.Then, "allow", "deny", "approve", "redact", "dry_run")
		k.within(path+".approve.count", rule.Approve.Count, 0, 10)
		between(k, path+".approve.within", rule.Approve.Within, 0, Duration(30*day))
		if rule.Approve.Within > 0 && rule.Approve.Within < Duration(time.Minute) {
			k.refuse(path+".approve.within", "%s is too short for a person; want 1m or more", rule.Approve.Within)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.Policy.Facts)) {
		path := child("policy.facts", name)
		if !factForm.MatchString(name) || slices.Contains(builtInFacts, name) {
			k.refuse(path, "%s is no name for a fact; want a-z, 0-9 and _, beginning with a letter, and none of Drawbridge's own", k.show(path, name))
		}
	}
	for i, host := range k.Policy.Hosts {
		if !hostForm.MatchString(host) {
			at := item("policy.hosts", i)
			k.refuse(at, "%s is no host; want a name such as shop.example.com, without scheme, port and path", k.show(at, host))
		}
	}
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)
