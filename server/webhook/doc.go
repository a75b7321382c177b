// Package webhook takes events in: POST /webhooks/{source}, signed by the sender.
//
// A delivery walks through [Handler.ServeHTTP] in one fixed order: route, address,
// method, whether anything can be accepted now, content type, content length, body
// (limit + 1 bytes), signature, replay window, what else the scheme asks for, the
// events in it, the source's rate, and one call of [Inbox.Accept]. Only when Accept
// says that events, dedupe keys and jobs are on disk does the sender hear 200. A fault
// of ours is 503 and never 4xx, because many senders drop an event for good on a 4xx.
//
// Nothing is parsed before it is verified, and what is stored are the bytes that
// were signed: not re-encoded, not trimmed.
//
// How a sender signs is data. A scheme_*.go file says which headers, which bytes,
// which encoding and which dedupe key; the engine does the rest the same way for
// all, so that an attack one scheme withstands fails on every other. What is special
// to a sender is a function in its own file: Twilio's sorted form, HubSpot's spelling
// of addresses, the questions that Slack, Meta and X ask before they deliver, how the
// several events of one delivery are taken apart, and SOAP.
//
// [Explain] lets the same engine tell what it finds, step by step: there is no second
// opinion on what a signature is. [Sign] makes deliveries as senders do, and
// [ReadCapture] reads one that somebody wrote down.
//
// Mount the handler before any http.ServeMux, for every path that is clean or not
// under [Prefix]: a ServeMux answers an unclean path with a redirect, which senders
// count as failure.
package webhook
