// Package tools says what a business tool is, independent of any protocol and
// any storage.
//
// A tool is an ordinary typed function, func(ctx, In) (Out, error), given a
// name, a description written for the model that will choose it, and an
// [Effect]. [Define] derives the input and output JSON Schema from the Go types,
// so there is one place where a field is named, explained and bounded.
//
// The families live below: tools/crm, tools/payment, tools/email. Each has a
// portable concrete type (defaults, checks and error mapping, once), a small
// driver interface that a backend fulfils, and one folder per backend. tools/schedule
// is about the agent itself: the store is its only backend, and it has to know the
// run that calls, see [CallerOf].
//
// A tool of another MCP server is [Mounted]: its definition is that server's, and its
// result goes through as it came. Mounted tools come and go while the process runs,
// see [Catalog.Mount]. While a tool works it may report its progress and ask the
// person behind its caller, see [ReportProgress] and [Ask].
//
// Errors that a model should act on are *[Error], with a code from a closed
// list; callers decide by the code, the model reads the message.
package tools
