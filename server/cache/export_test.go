package cache

import "time"

// Settle waits for what is done beside the calls.
func (m *Memory) Settle() { m.kept.CleanUp() }

// Met is what a new connection says of the process at its other end.
func (r *Redis) Met(id string, at time.Time) error { return r.met(id, at) }
