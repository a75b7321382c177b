// Package strictrules checks a function definition against the rules by which
// OpenAI's API takes or refuses it. It knows nothing of how definitions are made:
// the converter's tests and the rehearsal model's server use it as the other side.
//
// A definition goes in as bytes. node.go reads them into a tree that keeps the
// order of members, and walk.go goes through it; keywords.go is the table of the JSON Schema keywords, saying
// for each what its value must look like in the 2020-12 metaschema and whether
// strict functions may use it, and metaschema.go compares. check.go applies the
// rules that hold for any function; strict.go adds those of strict ones and limits.go their
// sizes. python.go reads regular expressions as Python's re module would, since
// that is what the API compiles patterns with; uri.go and fit.go judge
// references and enum values. cautions.go has what is not refused for certain:
// undocumented, or refused by some endpoints only.
//
// Check says what the API refuses, Cautions what it might, CheckNames what it
// refuses of a list of functions as a whole, and Refusal words it all as the API
// would.
//
// Doubts: the way levels are counted is that of OpenAI's Java client, which is
// the only one that counts; the API's own may be kinder. Python's re is read
// conservatively: conditional, atomic and possessive groups, comments, verbose mode
// and named characters are refused although some versions take them.
package strictrules
