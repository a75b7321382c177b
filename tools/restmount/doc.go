// Package restmount puts the operations of REST APIs among our tools, by the OpenAPI 3.0
// or 3.1 documents that describe them.
//
// An [API] is a [mcpmount.Source]: a mount lists it, pins what it lists, and judges what
// its tools may do as it does those of a server. The walk of a document:
//
//	read.go        a file or an address -> bytes, within bounds -> the document, references resolved
//	operations.go  each operation that is wanted -> an operation, or why it cannot be a tool
//	names.go       what they are called
//	input.go       parameters and body in one flat object: which member goes where
//	schema.go      schemas of OpenAPI -> JSON Schema 2020-12
//	list.go        the definition of the tool, as MCP has it
//
// and of a call:
//
//	arguments.go   arguments -> path, query, headers, cookies (styles.go) and body (body.go)
//	auth.go        credentials; token.go has those of OAuth
//	call.go        the exchange: once, and once more behind a token that was refused
//	outcome.go     what a status means, and what a lost answer does
//	answer.go      what the model gets to read: trim.go, cut.go, and how to go on: paging.go
//
// What the annotations of a definition say (operation: method and address; encoding: a
// hash of how arguments become a request) is part of what is pinned: a document that
// changes later cannot have a known tool call something else.
//
// Of a document these are not supported: files in bodies, XML, callbacks, links,
// webhooks, cookies beside those of parameters, $dynamicRef, the discriminator (schemas
// are tried one after the other), and security schemes (settings say how to sign in). An
// operation at another host than the rest is left out: our credentials are for one.
//
// Open doubts: an API that answers 200 to what it did not do is believed.
package restmount
