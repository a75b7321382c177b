// Package egress decides what this process connects to. Callbacks, models and mounted
// servers all go out through one kind of dialer, [Rules.Guard]'s, so that nobody who may
// choose an address (a request, a page that redirects, a resolver that answers
// differently the second time) can have us call something inside.
//
// A URL's form is checked at each request: http or https, no user name, a port that is
// meant for it. Its address is checked when the connection is made (net.Dialer.Control),
// after the name was resolved and for each address anew: a check of the name alone
// would be undone by the next look-up. What is denied is in ranges.go.
//
// The operator's word counts, and nobody else's: egress.allow_hosts, allow_cidrs and
// ports, and the hosts that the settings name themselves ([Reach]). The addresses at
// which clouds hand out credentials are denied whatever was allowed.
//
// A request may stand behind a fence ([Options].Fence), which is asked when everything but
// sending it is done: a process that was stopped before that for long sends it no more, if
// somebody else has taken over what it is for.
//
// With a proxy configured it is the proxy that resolves and connects: of a name we
// see no address then, and the proxy needs rules of its own. Addresses written as
// such, schemes and ports are still checked here.
package egress
