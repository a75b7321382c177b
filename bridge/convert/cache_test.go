package convert

import (
	"encoding/json"
	"strconv"
	"sync"
	"testing"
)

func numbered(i int) Tool {
	return Tool{Name: "t", Description: strconv.Itoa(i), Input: json.RawMessage(`{"type":"object","properties":{"a":{"type":"string"}}}`)}
}

func TestCacheGivesTheSameFunctionForTheSameDefinition(t *testing.T) {
	c := NewCache(2)
	a, _ := c.Convert(numbered(1))
	b, _ := c.Convert(numbered(1))
	other, _ := c.Convert(numbered(2))
	if a != b || a == other || other.Description != "2" {
		t.Errorf("got %p, %p, %p", a, b, other)
	}
}

func TestCacheForgetsTheOldest(t *testing.T) {
	c := NewCache(2)
	first, _ := c.Convert(numbered(1))
	for i := range 5 {
		if _, err := c.Convert(numbered(2 + i)); err != nil {
			t.Fatal(err)
		}
	}
	if again, _ := c.Convert(numbered(1)); again == first || len(c.kept) != 2 || len(c.order) != 2 {
		t.Errorf("kept %d, in order %d", len(c.kept), len(c.order))
	}
}

func TestCacheConvertsOnceForAllWhoAskAtTheSameTime(t *testing.T) {
	c := NewCache(4)
	got := make([]*Function, 32)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			f, err := c.Convert(numbered(1))
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = f
			if _, err := f.Invert(json.RawMessage(`{"a":"x"}`)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, f := range got {
		if f != got[0] {
			t.Fatal("converted more than once")
		}
	}
}

func TestCacheKeepsRefusalsToo(t *testing.T) {
	c := NewCache(1)
	for range 2 {
		if _, err := c.Convert(Tool{Name: "t", Input: json.RawMessage(`false`)}); err == nil {
			t.Error("a tool that accepts nothing was converted")
		}
	}
}
