package audit_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/server/audit"
)

// table is an audit in memory.
type table struct {
	rows  []audit.Record
	heads []audit.Head
}

func (t table) Heads(context.Context) ([]audit.Head, error) { return t.heads, nil }

func (t table) Rows(_ context.Context, each func(*audit.Record) error) error {
	for i := range t.rows {
		if err := each(&t.rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// signed gives an audit of two rows with a head over both.
func signed(t *testing.T, with audit.Signer) table {
	t.Helper()
	rows := []audit.Record{{ID: 1, Tool: "a"}, {ID: 2, Tool: "b"}}
	rows[0].Chain(audit.Genesis)
	rows[1].Chain(rows[0].Hash)
	head := audit.Head{Kind: audit.Kept, At: 5, Count: 2, Last: 2, Hash: rows[1].Hash}
	with.Sign(&head)
	return table{rows, []audit.Head{head}}
}

func signer(t *testing.T) audit.Signer {
	t.Helper()
	s, err := audit.OpenSigner(filepath.Join(t.TempDir(), "new", "key"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHeadOfNobodyIsForged(t *testing.T) {
	ours, others := signer(t), signer(t)
	for name, c := range map[string]struct {
		change func(*table)
		keys   []string
		want   string // "" for none
	}{
		"as it was":               {func(*table) {}, []string{ours.Public()}, ""},
		"one of several keys":     {func(*table) {}, []string{others.Public(), ours.Public()}, ""},
		"no key is given":         {func(*table) {}, nil, ""},
		"another's key":           {func(*table) {}, []string{others.Public()}, "another key"},
		"not signed":              {func(t *table) { audit.Signer{}.Sign(&t.heads[0]) }, []string{ours.Public()}, "not signed"},
		"not signed, nobody asks": {func(t *table) { audit.Signer{}.Sign(&t.heads[0]) }, nil, ""},
		"another count":           {func(t *table) { t.heads[0].Count = 1 }, nil, "does not fit"},
		"another time":            {func(t *table) { t.heads[0].At++ }, nil, "does not fit"},
		"made a cut":              {func(t *table) { t.heads[0].Kind = audit.Cut }, nil, "does not fit"},
		"taken for the latest":    {func(t *table) { t.heads[0].Kind = audit.Latest }, nil, ""},
		"the key taken away":      {func(t *table) { t.heads[0].PublicKey = "" }, nil, "does not fit"},
	} {
		whole := signed(t, ours)
		c.change(&whole)
		r, err := audit.Verify(t.Context(), whole, c.keys, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case c.want == "" && r.Break != nil, c.want != "" && (r.Break == nil || r.Break.Fault != audit.Forged || !strings.Contains(r.Break.Detail, c.want)):
			t.Errorf("%s: %+v, want %q", name, r.Break, c.want)
		}
	}
}

func TestRowsWithoutAnyHeadProveNothingToWhoGivesAKey(t *testing.T) {
	s := signer(t)
	whole := signed(t, s)
	whole.heads = nil
	if r, err := audit.Verify(t.Context(), whole, []string{s.Public()}, nil); err != nil || r.Break == nil {
		t.Errorf("found %+v (%v)", r.Break, err)
	}
}

func TestKeyIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	first, err := audit.OpenSigner(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := audit.OpenSigner(path)
	if err != nil || first.Public() != second.Public() || first.Public() == "" {
		t.Errorf("another key at the second start: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v (%v)", info, err)
	}
	if err := os.WriteFile(path, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.OpenSigner(path); err == nil {
		t.Error("took a file for a key that is none")
	}
}

func TestHeadsAreReadFromLogsAndExports(t *testing.T) {
	head := signed(t, signer(t)).heads[0]
	text := "not JSON\n{\"kind\":\"audit\",\"id\":1}\n" + head.Line() + "\n" + `{"level":"INFO","audit_head":` + quoted(head.Line()) + "}\n"
	heads, err := audit.ReadHeads(strings.NewReader(text))
	if err != nil || len(heads) != 2 || heads[0].Line() != head.Line() || heads[1].Line() != head.Line() {
		t.Errorf("read %+v (%v)", heads, err)
	}
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }
