package dispatch

import "drawbridge/server/callback"

// signing is what callbacks are signed with. It is replaced as a whole.
type signing struct {
	requested []callback.Secret            // for addresses that requests name
	targets   map[string][]callback.Secret // by the name that routes call them
}

// Resign has the attempts that begin from now on signed with the secrets of the settings;
// nothing else of them is taken.
func (d *Dispatcher) Resign(s Settings) {
	next := signing{requested: s.Callbacks.Secrets, targets: make(map[string][]callback.Secret, len(s.Targets))}
	for name, target := range s.Targets {
		next.targets[name] = target.Secrets
	}
	d.signing.Store(&next)
}
