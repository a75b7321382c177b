package cache

// Settle waits for what is done beside the calls.
func (m *Memory) Settle() { m.kept.CleanUp() }
