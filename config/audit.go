package config

// Audit is how the audit of tool calls is held to what it was.
type Audit struct {
	// Key is the file of the key that heads of the audit are signed with, made at the first
	// start. Empty: beside a SQLite file, its name with .audit-key behind it; with PostgreSQL
	// none, and heads are not signed. Several nodes have the same file, or one each.
	Key string `yaml:"key"`
}

// AuditKey is the file of the key, "" for none.
func (c *Config) AuditKey() string {
	if c.Audit.Key == "" && c.Store.Path() != "" {
		return c.Store.Path() + ".audit-key"
	}
	return c.Audit.Key
}
