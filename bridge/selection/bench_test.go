package selection

import (
	"strings"
	"testing"
)

// thousand is 1,000 tools of the corpus.
func thousand(b *testing.B) []Entry {
	b.Helper()
	return sample(corpus(b), requests(b), 1000)
}

const asked = "The customer of order 1042 wrote that the delivery is late: find the order, refund the shipping fee and answer in GitHub issue 77."

func BenchmarkNew(b *testing.B) {
	list := thousand(b)
	b.ReportAllocs()
	for b.Loop() {
		New(list)
	}
}

// BenchmarkIndex is what the first choice that does not fit costs beside the choice.
func BenchmarkIndex(b *testing.B) {
	list := thousand(b)
	lexicon()
	b.ReportAllocs()
	for b.Loop() {
		index(list)
	}
}

func BenchmarkChooseCold(b *testing.B) {
	list := thousand(b)
	Tokens("load")
	b.ReportAllocs()
	for b.Loop() {
		New(list).Choose(Query{Messages: []string{asked}})
	}
}

func BenchmarkChooseWarm(b *testing.B) {
	x := New(thousand(b))
	b.ReportAllocs()
	for b.Loop() {
		x.Choose(Query{Messages: []string{asked}})
	}
}

func BenchmarkChooseWarmForAnEventOf20kB(b *testing.B) {
	x := New(thousand(b))
	event := asked + strings.Repeat(`{"id":"evt_1QX","type":"order.updated","customer":{"name":"Ann","street":"Elm"}},`, 250)
	b.ReportAllocs()
	for b.Loop() {
		x.Choose(Query{Messages: []string{event}})
	}
}

func BenchmarkChooseWarmAmong3786(b *testing.B) {
	x := New(corpus(b))
	b.ReportAllocs()
	for b.Loop() {
		x.Choose(Query{Messages: []string{asked}})
	}
}

func BenchmarkSearch(b *testing.B) {
	x := New(thousand(b))
	b.ReportAllocs()
	for b.Loop() {
		x.Search("refund payment", 8)
	}
}
