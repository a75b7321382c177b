// Package config reads Drawbridge's one settings file and knows every default.
//
// A file is read in four steps, each in a file of its own:
//
//   - load.go: the bytes become a YAML tree. Nothing is substituted yet, so the
//     value of a variable can never change the structure.
//   - decode.go: the tree is walked beside the structs of config.go. Every scalar
//     first has its ${NAME} replaced (env.go) and is then read as what its field is:
//     text, a whole number, a [Duration], a [Size], a [Secret].
//   - validate.go: what the settings mean together is checked.
//   - problem.go: everything found wrong is reported at once, each with its file,
//     line, column and the path of the key.
//
// Later checks that this package cannot make (does the CEL condition compile, is
// the template a template) report through [Config.Problem] and [Config.ProblemAt],
// so that they point into the file just as ours do.
//
// No file is a valid configuration: [Default] is complete.
package config
