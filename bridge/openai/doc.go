// Package openai asks models: over any endpoint that speaks OpenAI's chat completions,
// or over OpenAI's Responses API, with the same [Request] and the same [Answer].
//
// [Models] is what a program asks. It knows its models by their configured names, and
// for each what all who ask it share: its limits (pace, window), whether it is down
// (circuit), what it costs ([Prices]). One question goes to the first model in a few
// attempts, with full jitter between them, and then to its fallbacks. It waits for
// seconds, never for minutes: a longer wait is given back as an [Error] that is
// Transient and says when to come again, so that a run can be put down meanwhile.
//
// [Client] asks one endpoint once. Answers are always streamed: words are heard as
// they come ([Listener]), calls are put together from their pieces (calls), and an answer
// counts only once the model has said that it is finished. How long a model may be
// silent is bounded; how long it may speak is not.
//
// [Batches] asks many questions at once: as the lines of a file, of which OpenAI's Batch API
// makes a batch that is answered within a day. There is nothing to hear and nobody waits,
// so that each step is one request, and what goes wrong with it is the caller's to put off.
//
// Servers that are called compatible differ. What one of them does not take it says
// once, and is asked without it from then on (unwanted); what one wants to be given back
// with its own answers goes with them through the journal (echo).
//
// Requests are sent by way of go-openai, which knows the endpoints, signs the requests
// and reads errors. What goes over the wire is written and read here (exchange), for
// go-openai's own types and its reader of streams
//
//   - leave out a temperature of 0, and know no content parts but text and image_url;
//   - refuse some requests themselves, by what they know of models' names;
//   - take a comment before an error event for a part of it, and end without an error
//     when the stream is cut;
//   - read lines of any length, and close the connection behind each answer.
//
// A request's bytes depend on nothing but its content, with what is the same each turn in
// front: so a provider's prompt cache finds the same prefix again, and a function's
// definition is written once and not for each of a thousand runs (definitions).
//
// # Where to look
//
//	all models      models.go (order and fallback), model.go (attempts), pace.go and window.go
//	                (limits), circuit.go, prices.go
//	one exchange    client.go, exchange.go (bytes and silence), events.go (the stream),
//	                header.go (when to come again), explain.go and said.go (what went wrong)
//	chat            chat.go (the request), chatstream.go (the answer), echo.go
//	Responses       responses.go, responsesstream.go, items.go (what is handed back each turn)
//	batches         batch.go (files and batches), batchresults.go (their answers)
//	both            message.go and error.go (what goes in and comes out), read.go, calls.go,
//	                parts.go, definitions.go, usage.go, unwanted.go (what a server will not take)
package openai
