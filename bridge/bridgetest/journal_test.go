package bridgetest

import (
	"testing"

	"drawbridge/bridge"
)

type inMemory struct{ journal *Journal }

func (m inMemory) Journal() bridge.Journal                     { return m.journal }
func (m inMemory) Lease(_ *testing.T, run string) bridge.Lease { return m.journal.Lease(run) }

func TestJournalInMemoryConforms(t *testing.T) {
	RunJournal(t, func(*testing.T) Harness { return inMemory{NewJournal()} })
}
