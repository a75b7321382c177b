package selection

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
)

// Entry is a function that could be offered.
type Entry struct {
	Name        string          // of the function; unique
	Tool        string          // the tool's name in MCP, "" if it is Name; up to "__" it names the mounted server
	Title       string          // may be empty
	Description string          // may be empty
	Parameters  json.RawMessage // JSON Schema of the arguments, searched for names, descriptions and values; may be empty
	Definition  []byte          // the definition as it stands in a request: what it costs
}

// Index chooses among the entries of one list of tools. It is safe for concurrent
// use. Counting and indexing are done when first needed and once: keep an Index as
// long as the list holds.
type Index struct {
	entries []Entry // by name
	byName  map[string]int
	counts  *counts
	words   func() *postings
	find    func() Function
}

// New makes an index of entries; of two with one name, the one with the smaller definition,
// byte by byte, is kept. It does not touch their contents yet.
func New(entries []Entry) *Index {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), slices.Compare(a.Definition, b.Definition))
	})
	entries = slices.CompactFunc(entries, func(a, b Entry) bool { return a.Name == b.Name })
	x := &Index{entries: entries, byName: make(map[string]int, len(entries)), counts: newCounts(entries)}
	for i := range entries {
		x.byName[entries[i].Name] = i
	}
	x.words = sync.OnceValue(func() *postings { return index(entries) })
	x.find = sync.OnceValue(x.findTools)
	return x
}

// postings is the inverted index.
type postings struct {
	entries  int
	ids      map[string]int32 // of stems
	stems    []string         // by id
	idf      []float32        // by id: how much a stem tells entries apart
	where    [][]posting      // by id
	initials map[byte][]int32 // ids by first byte, for misspelt words
}

// posting is the weight of one stem in one entry.
type posting struct {
	entry  int32
	weight float32
}

// occurrence is a stem that was read in a field.
type occurrence struct {
	id    int32
	field field
}

// saturation is BM25's k1: how soon a word that is repeated stops counting more.
const saturation = 1.2

func index(entries []Entry) *postings {
	p := &postings{entries: len(entries), ids: map[string]int32{}, initials: map[byte][]int32{}}
	read := make([][]occurrence, len(entries))
	lengths := make([][fields]float32, len(entries))
	var averages [fields]float32
	for i := range entries {
		read[i] = p.read(&entries[i], &lengths[i])
		for f, length := range lengths[i] {
			averages[f] += length / float32(len(entries))
		}
	}
	frequency := make([]float32, len(p.stems))
	for i, occurrences := range read {
		p.post(int32(i), occurrences, norms(lengths[i], averages), frequency)
	}
	p.weigh()
	return p
}

// read cuts the texts of e into stems, which it counts by field.
func (p *postings) read(e *Entry, lengths *[fields]float32) []occurrence {
	var all []occurrence
	note := func(f field, stem string) {
		if stem != "" {
			all = append(all, occurrence{p.id(stem), f})
		}
	}
	texts(e, func(f field, text string) {
		for whole, parts := range words(text) {
			if int(lengths[f]) >= weights[f].most {
				return
			}
			lengths[f]++
			note(f, whole)
			for _, part := range parts {
				note(f, part)
			}
		}
	})
	return all
}

func (p *postings) id(stem string) int32 {
	id, known := p.ids[stem]
	if !known {
		id = int32(len(p.stems))
		stem = strings.Clone(stem) // it is a piece of a definition, which need not live as long
		p.ids[stem] = id
		p.stems = append(p.stems, stem)
		p.initials[stem[0]] = append(p.initials[stem[0]], id)
	}
	return id
}

// norms is what one occurrence in each field weighs, given how long the fields are.
func norms(lengths, averages [fields]float32) (norms [fields]float32) {
	for f, w := range weights {
		relative := float32(1)
		if averages[f] > 0 {
			relative = lengths[f] / averages[f]
		}
		norms[f] = w.weight / (1 - w.length + w.length*relative)
	}
	return norms
}

// post adds an entry's postings. frequency is scratch, by id, all zero before and after.
func (p *postings) post(entry int32, occurrences []occurrence, norms [fields]float32, frequency []float32) {
	if p.where == nil {
		p.where = make([][]posting, len(p.stems))
	}
	for _, o := range occurrences {
		frequency[o.id] += norms[o.field]
	}
	for _, o := range occurrences {
		if sum := frequency[o.id]; sum > 0 {
			p.where[o.id] = append(p.where[o.id], posting{entry, sum * (saturation + 1) / (sum + saturation)})
			frequency[o.id] = 0
		}
	}
}

// weigh multiplies what a stem weighs in an entry by how rare it is.
func (p *postings) weigh() {
	p.idf = make([]float32, len(p.stems))
	for id, where := range p.where {
		found := float64(len(where))
		p.idf[id] = float32(math.Log(1 + (float64(p.entries)-found+0.5)/(found+0.5)))
		for i := range where {
			where[i].weight *= p.idf[id]
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
