// Package convert turns tools of MCP servers into functions that OpenAI accepts as
// strict, and the arguments that a model writes for them back into the tool's own.
//
// # The walk of a schema
//
//	Tool.Input    the JSON, in the author's order and spelling (parse.go, value.go)
//	schema        what it means, in whatever draft, mistakes repaired (read.go, repair.go, refs.go)
//	place, form   how each part is shown to the model: the plan (build*.go, settle.go)
//	Parameters    the plan written down in the strict subset (write.go, define.go)
//
// Arguments walk the plan in either direction: Function.Invert from what the model
// wrote to the tool's own, Function.Forward back. After inverting they are checked
// against the schema itself (check.go), and what is wrong is said in the terms that
// the model was shown (error.go), with an example (example.go).
//
// # Why nothing is lost and nothing wrong gets through
//
// A form takes all that its schema takes, or more; never less. What it takes too
// much of (strict has no keyword for lengths, conditions, most formats) is said in
// words in the description and refused after inverting. One thing is taken as
// closed that JSON Schema leaves open: objects that declare properties and say
// nothing about others.
//
// # How things are said that strict cannot
//
//	optional member        null leaves it out
//	optional and nullable  null leaves it out, the text "<null>" is null; texts that look
//	                       like it get one more "<"
//	any value              a string that holds its JSON
//	map                    a list of objects with key and value
//	open object            one member more, additional_properties
//	tuple                  an object with item_1, item_2, ... and rest
//	alternatives           anyOf; an option that could be taken for another one becomes
//	                       the only member of an object
//	enum of objects        an enum of their JSON
//	root that is none      an object whose only member is arguments
//
// # Formats and patterns
//
// A format is asserted where the schema's own draft lets it be (up to draft 7, or
// none named) and the validator library knows it; a schema that names 2019-09 or
// 2020-12 makes it a remark. The nine formats that strict carries are kept either
// way. A pattern that Go cannot read (lookaround) is said in words and not checked;
// one that Python may read differently is said in words and checked.
//
// References are followed within the document only. Nothing is ever fetched.
package convert
