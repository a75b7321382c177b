package copying

import (
	"slices"
	"strings"
	"testing"
)

func TestTablesComeBehindThoseTheyReferTo(t *testing.T) {
	tables, err := inOrder([]Table{{Name: "a", Refers: []string{"b", "d"}}, {Name: "b", Refers: []string{"c"}}, {Name: "c"}, {Name: "d", Refers: []string{"c"}}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, table := range tables {
		names = append(names, table.Name)
	}
	for _, pair := range []string{"ba", "da", "cb", "cd"} {
		if slices.Index(names, pair[:1]) > slices.Index(names, pair[1:]) {
			t.Errorf("the order is %v, want %c before %c", names, pair[0], pair[1])
		}
	}
	if _, err := inOrder([]Table{{Name: "a", Refers: []string{"b"}}, {Name: "b", Refers: []string{"a"}}, {Name: "c"}}); err == nil || !strings.Contains(err.Error(), "the tables a, b refer to each other") {
		t.Errorf("of a circle: %v", err)
	}
}

// Rows may come in any order, and none may stand for another.
func TestDigestIsOfTheRowsAndNotOfTheirOrder(t *testing.T) {
	sum := func(rows ...[]any) (s Sum) {
		for _, row := range rows {
			s.add(hashOf(row))
		}
		return s
	}
	one, two := []any{int64(1), "a"}, []any{int64(2), "b"}
	if sum(one, two) != sum(two, one) {
		t.Error("it is of the order")
	}
	for name, pair := range map[string][2]Sum{
		"twice is not none":         {sum(one, one), sum()},
		"twice is not once":         {sum(one, one), sum(one)},
		"values keep their columns": {sum([]any{"a", "b"}, []any{"c", "d"}), sum([]any{"a", "d"}, []any{"c", "b"})},
		"and their ends":            {sum([]any{"ab", "c"}), sum([]any{"a", "bc"})},
		"a text is not its bytes":   {sum([]any{"a"}), sum([]any{[]byte("a")})},
		"nor a number its digits":   {sum([]any{"1"}), sum([]any{int64(1)})},
		"nothing is not none":       {sum([]any{""}), sum([]any{nil})},
		"minus is not plus":         {sum([]any{int64(-1)}), sum([]any{int64(1)})},
	} {
		if pair[0] == pair[1] {
			t.Error(name)
		}
	}
	if got := (Sum{1, 0, 0, 1 << 63}).String(); got != "8"+strings.Repeat("0", 62)+"1" {
		t.Errorf("the sum is written %s", got)
	}
	high := Sum{^uint64(0), ^uint64(0), 0, 0}
	high.add([32]byte{31: 1})
	if high != (Sum{0, 0, 1, 0}) {
		t.Errorf("it carries %v", high)
	}
}
