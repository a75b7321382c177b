package policy

import (
	"context"

	"drawbridge/server/guard"
)

// JudgeByAll judges as Judge does, but tries the call against every rule.
func (p *Policy) JudgeByAll(ctx context.Context, q guard.Question) guard.Verdict {
	all := make([]int, len(p.rules))
	for i := range all {
		all[i] = i
	}
	return p.try(ctx, q, all, guard.Verdict{Action: guard.Allow})
}

// MostKinds is how many tools the index remembers, and Kinds how many it does.
const MostKinds = mostKinds

func (p *Policy) Kinds() (n int) {
	p.index.known.Range(func(any, any) bool { n++; return true })
	return n
}

// Hosts are the hosts that a text names, searched for in each text or only where there may
// be one.
func Hosts(text string) [][]string { return host.FindAllStringSubmatch(text, -1) }

var MayNameHost = mayNameHost
