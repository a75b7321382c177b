package config

// CRMBackend names the backend of the CRM.
type CRMBackend struct {
	Backend string   `yaml:"backend"` // builtin or hubspot
	HubSpot *HubSpot `yaml:"hubspot"` // for backend hubspot
}

func (k *checker) checkCRM() {
	const at = "tools.crm."
	c := k.Tools.CRM
	k.oneOf(at+"backend", c.Backend, "builtin", "hubspot")
	switch {
	case c.Backend == "hubspot" && c.HubSpot == nil:
		k.refuse(at+"backend", "backend hubspot needs the account; set tools.crm.hubspot")
	case c.Backend == "hubspot":
		k.checkHubSpot(at+"hubspot", *c.HubSpot)
	case c.HubSpot != nil:
		k.refuse(at+"hubspot", "only backend hubspot has this setting; leave it out, or set backend: hubspot")
	}
}

// explainCRM says whose CRM it is.
func (c *Config) explainCRM() string {
	if c.Tools.CRM.Backend == "hubspot" && c.Tools.CRM.HubSpot != nil {
		return c.explainHubSpot(*c.Tools.CRM.HubSpot)
	}
	return ""
}
