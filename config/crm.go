package config

// CRMBackend names the backend of the CRM.
type CRMBackend struct {
	Backend    string      `yaml:"backend"`    // builtin, hubspot or salesforce
	HubSpot    *HubSpot    `yaml:"hubspot"`    // for backend hubspot
	Salesforce *Salesforce `yaml:"salesforce"` // for backend salesforce
}

func (k *checker) checkCRM() {
	const at = "tools.crm."
	c := k.Tools.CRM
	k.oneOf(at+"backend", c.Backend, "builtin", "hubspot", "salesforce")
	switch {
	case c.Backend == "hubspot" && c.HubSpot == nil:
		k.refuse(at+"backend", "backend hubspot needs the account; set tools.crm.hubspot")
	case c.Backend == "hubspot":
		k.checkHubSpot(at+"hubspot", *c.HubSpot)
	case c.HubSpot != nil:
		k.refuse(at+"hubspot", "only backend hubspot has this setting; leave it out, or set backend: hubspot")
	}
	switch {
	case c.Backend == "salesforce" && c.Salesforce == nil:
		k.refuse(at+"backend", "backend salesforce needs the organization; set tools.crm.salesforce")
	case c.Backend == "salesforce":
		k.checkSalesforce(at+"salesforce", *c.Salesforce)
	case c.Salesforce != nil:
		k.refuse(at+"salesforce", "only backend salesforce has this setting; leave it out, or set backend: salesforce")
	}
}

// explainCRM says whose CRM it is.
func (c *Config) explainCRM() string {
	switch crm := c.Tools.CRM; {
	case crm.Backend == "hubspot" && crm.HubSpot != nil:
		return c.explainHubSpot(*crm.HubSpot)
	case crm.Backend == "salesforce" && crm.Salesforce != nil:
		return c.explainSalesforce(*crm.Salesforce)
	}
	return ""
}
