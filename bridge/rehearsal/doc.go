// Package rehearsal is a scripted model behind OpenAI's chat API. It does not
// think: it plays the first scene of a script that fits the conversation, and
// calls itself "rehearsal" in every answer. The demo, the tests and a replay talk
// to it over HTTP with the same client code that talks to a real model.
//
// A script is YAML:
//
//	scenes:
//	  - when: {user: 'refund (\w+)', turn: 1}
//	    call:
//	      - tool: payment_get
//	        with: {payment: '{{ match "refund (\\w+)" }}'}
//	  - when: {last_tool: payment_get, last_result: '"status":"paid"'}
//	    call:
//	      - tool: payment_refund
//	        with: {payment: '{{ result "payment_get" "id" }}', amount: '{{ result "payment_get" "amount" }}'}
//	  - when: {last_tool: payment_refund}
//	    say: 'Refunded {{ result "payment_refund" "amount" }}.'
//
// The conditions of when must all hold; a scene without any always fits. user,
// system and last_result are regular expressions (RE2); user looks at the latest
// user message. turn counts the answers since that message, from 1. last_tool and
// last_result look at the last message, which then is a tool's. What the runtime
// says to the model in between, as a user message marked as such, counts as nobody's.
//
// A scene says text, calls tools, or both. with gives the arguments of a call;
// arguments gives them as raw text instead, for rehearsing a model's mistakes.
// delay ("200ms") holds the answer back.
//
// say and every string in with are text/template templates with these functions
// besides the built-in ones:
//
//	match "re" [n]     what the expression finds in the user's text: group n,
//	                   else the first group, else all of it
//	result "tool" [p]  the tool's last result; with a path ("items.0.id") the
//	                   value there
//	user, system       the latest user message, the system message
//	turn               the number of this answer
//
// A string that is one single {{ ... }} keeps the type of its value: a number
// from a result stays a number in the arguments.
//
// A function that is offered as strict gets arguments that fit its schema, as from
// a real model: what with leaves out is null where the schema takes null, and
// arguments that do not fit even so are a mistake of the script. Raw arguments go
// out as they are.
//
// A conversation that no scene fits, or whose templates find nothing, is answered
// with a refusal that says so: the run fails, and everybody can see why. A
// conversation that breaks the protocol is refused with status 400, as OpenAI
// would, so that a test against the rehearsal model catches what a real one
// would not forgive.
package rehearsal
