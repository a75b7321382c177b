// Package chatapi is the chat door: OpenAI's chat completions, answered by agents.
//
//	POST /v1/chat/completions   talk to the agent that model names
//	GET  /v1/models             the agents that the caller may talk to
//	GET  /v1/models/{name}
//
// A request is read member by member (request.go and what it calls): what we honour is
// taken, and anything else is refused by its name, because a client that asked for
// something and did not get it would never know. Only what is null or empty is passed
// over: it asks for nothing, and many clients send it. Then it becomes a run (begin.go): results
// of the caller's own functions go on with the run that waits for them, anything else
// starts one. Its events are heard (listen.go) and passed on as they come (attend.go);
// speech.go turns them into one assistant message: what an agent does between its words is
// left out, or shown as reasoning if the caller asks for it, and the words of several
// turns become paragraphs. Stream and whole are the two audiences of that message;
// ending.go decides how it closes.
//
// The rules of a stream: the role first, once; exactly one finish_reason, in the last
// chunk with a choice; then the usage, if it was asked for; then [DONE]. A comment
// goes out whenever nothing else has for a while, from the first moment on. Headers go
// out with the first byte: what goes wrong before has its own HTTP status, what goes
// wrong later is an error object in the stream. A request that is not streamed gets no
// byte before the end: whoever may have to wait for minutes should stream.
//
// The package knows a run's owner, not what it may do: the tools of a run are those of
// its agent and of its caller, which the guard judges. There are no CORS headers: no
// web page of another origin may talk to an agent, unless a proxy in front says so.
package chatapi
