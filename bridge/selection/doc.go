// Package selection decides which functions go into a request to a model.
//
// A model takes a bounded number of functions, and every definition costs tokens
// in every request. As long as all of them fit, all go ([Choice.All]). Above
// that, [Index.Choose] takes those that must go ([Query.Always]), then those that
// match the conversation best, until the [Limits] are reached; and the bridge
// offers one more function, find_tools ([Index.FindTools]), with which the model
// searches the rest by itself ([Index.Search], [Index.Found]). What it found goes into
// [Query.Always] of the next request.
//
// # The way of a choice
//
// words.go cuts texts into words: identifiers at their humps and underscores,
// Chinese, Japanese and Korean into pairs of characters; stem.go takes endings
// off. fields.go says what of a definition is read and what a word in it weighs.
// index.go counts the words of all entries once. query.go makes weighted terms
// of what was said: synonyms and translations (lexicon.txt), misspelt words, more
// weight for what was said last. rank.go scores the entries (BM25F: Robertson,
// Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3.6). choose.go
// fills the limits in that order, and tokens.go counts with the tokenizer of
// OpenAI's current models, only where bytes do not answer the question already.
//
// # What holds
//
// The limits are never exceeded. The same entries and the same query give the same choice,
// whatever order the entries came in. What is offered comes in the order of the
// names, so that the same choice is the same prompt, byte for byte, for a provider's
// cache. Nothing is left out silently: [Choice.LeftOut] has every name.
//
// # Doubts
//
// Words are compared, not meanings: a request that shares no word with the tool it needs, nor a
// synonym, is left to find_tools. The token count is exact for o200k_base and near
// enough for other vocabularies; what a provider adds around a definition is not known.
package selection
