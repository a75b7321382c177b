package salesforce

import "drawbridge/tools/crm"

var _ crm.Driver = (*Backend)(nil)

// HonoursKeys: not all writes do.
func (b *Backend) HonoursKeys() bool { return false }
