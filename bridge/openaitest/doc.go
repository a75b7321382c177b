// Package openaitest is a model server for tests: OpenAI's chat API and its
// Responses API over real HTTP, with a queue of replies in place of a model.
//
//	fake := openaitest.New(t)
//	fake.Answer(
//		openaitest.Call("crm_get_customer", `{"customer":"cus_1"}`, openaitest.WithText("Let me see.")),
//		openaitest.Fail(429, openaitest.Header("Retry-After", "2")),
//		openaitest.Say("Done.", openaitest.CutAfterEvents(2)),
//	)
//	client := openai.New(openai.Options{BaseURL: fake.URL()})
//
// It does two things that a real server does not. It can get every answer wrong in
// the ways that servers and models do (how.go lists them), and it remembers what the
// client got wrong: each request is checked as strictly as OpenAI's API does, and a
// little more (check*.go); what breaks a rule is answered with OpenAI's 400 and fails
// the test.
//
// reply.go and how.go say what a reply is, handler.go takes a request through the
// checks to its reply, request.go is what tests see of it, chat.go and responses.go
// write a reply in the words of either API, send.go puts it on the wire and breaks
// it on the way, and server.go ties a handler to a test.
//
// Batches (batch.go) are files of requests, each checked like one that is made at once. They
// end when the test says so, and how ([Handler.End]); what goes wrong before that,
// [Handler.Disturb] says (batchsteps.go).
//
// Doubts: nobody asked the live API. The rules come from OpenAI's reference and from
// recorded 400 answers. Where OpenAI takes something that other servers do not (arguments
// that are no JSON object, members of a message nobody knows), the stricter reading counts.
package openaitest
