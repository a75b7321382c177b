package selection

// What a request carries unless told otherwise: OpenAI's limit on functions, and
// a price per request that is worth the choice.
const (
	DefaultFunctions = 128
	DefaultTokens    = 8000
)

// Limits bound what a request carries. Zero means the default.
type Limits struct {
	Functions int // how many, find_tools and reserved ones included
	Tokens    int // of their definitions, in o200k_base
}

// Query asks for the functions of one request.
type Query struct {
	Messages []string // what was said, oldest first; the later, the more it counts
	Always   []string // function names that go in before all others, the most important first; unknown ones are ignored

	// What the caller adds to the request by itself and the limits have to hold as well;
	// find_tools is not part of it.
	Reserved       int // functions
	ReservedTokens int // tokens of their definitions

	Limits Limits
}

// Choice is what goes into one request.
type Choice struct {
	Offered []string // function names, sorted
	LeftOut []string // the others, sorted
	NoRoom  []string // of LeftOut, those of Query.Always for which the limits had no room, in its order
	Tokens  int      // of the definitions offered, find_tools included; an upper bound if All
	All     bool     // everything is offered, and find_tools need not be
}

// Choose fills the limits, and exceeds them only if find_tools alone does: with
// everything, if it fits. Else room is kept for find_tools ([Index.FindTools]), which
// the caller has to offer then; what must go in goes in, as much as fits; then the best
// matches, where one that does not fit, or would take too much of the room, makes way
// for smaller ones. What hardly matches is not offered: it costs tokens and misleads.
// When nothing matches, a little of every system goes, so that the model can say what
// there is.
func (x *Index) Choose(q Query) Choice {
	b := x.basket(q)
	if tokens, fits := x.counts.all(b.tokens); fits && len(x.entries) <= b.functions {
		return Choice{Offered: x.names(func(int) bool { return true }), Tokens: tokens, All: true}
	}
	budget := b.tokens
	b.functions--
	b.tokens -= x.find().tokens
	var noRoom []string
	for _, name := range q.Always {
		if i, known := x.byName[name]; known && !b.add(i) {
			noRoom = append(noRoom, name)
		}
	}
	b.fill(x.candidates(q.Messages))
	return Choice{
		Offered: x.names(func(i int) bool { return b.in[i] }),
		LeftOut: x.names(func(i int) bool { return !b.in[i] }),
		NoRoom:  noRoom,
		Tokens:  budget - b.tokens,
	}
}

// relevant is the part of the best score that an entry needs to be offered: on the labelled
// requests that loses no right one and saves a tenth of the tokens.
const relevant = 0.2

// candidates are the entries that may be offered beside those that must, best first.
func (x *Index) candidates(messages []string) []int {
	p := x.words()
	ranked := p.rank(p.concepts(messages))
	if len(ranked) == 0 {
		return x.overview()
	}
	var order []int
	for _, match := range ranked {
		if match.score < relevant*ranked[0].score {
			break
		}
		order = append(order, match.entry)
	}
	return order
}

// names are the names of the entries that in says yes to.
func (x *Index) names(in func(int) bool) []string {
	var names []string
	for i := range x.entries {
		if in(i) {
			names = append(names, x.entries[i].Name)
		}
	}
	return names
}
