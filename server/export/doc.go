// Package export writes what a store keeps as JSON Lines: one object a line, in UTF-8,
// with a member kind that says what it is. Times are RFC 3339 in UTC, with milliseconds;
// a member that has nothing to say is left out.
//
//	kind       what it is                  members
//	event      an accepted event           id, source, key, weak_key, status, status_at, note, received_at, provider_at,
//	                                       last_seen_at, verified_by, duplicates, replays, delivery (of which it was a part),
//	                                       successor, edited_from, edited_by, emptied_at, content_type, headers, body
//	delivery   the whole body of one       id, source, received_at, body
//	           that was several events
//	run        an agent's run              id, agent, owner, source, event, via, replay, state, reason, dead, tainted, attempts,
//	                                       priority, subject, usage, worked_ms, created_at, started_at, finished_at, start_at,
//	                                       metadata, callback (the route, or the host that is told), successor, successor_of,
//	                                       edited_by, emptied_at, prompt, answer
//	entry      of a run's journal          run, seq, entry (its kind), at, data (an object)
//	callback   owed for a run's end        id, run, endpoint (the route, or the host), state, attempts, last_status, last_reason,
//	                                       created_at, last_at, body
//	attempt    at a callback               callback, n, at, manual, state, status, reason, latency_ms, remote, excerpt
//	audit      a tool call, or the try     at, principal, door, tool, effect, arguments, decision, rule, outcome, duration_us,
//	                                       run, idempotency_key
//	rejection  a refused delivery          at, source, remote, status, reason, header_names, excerpt
//
// A body (or excerpt, prompt, answer) is a string of the exact text if the bytes are valid
// UTF-8; else it is base64 (RFC 4648, section 4, with padding), and a member of the same name with _encoding
// behind it says "base64". Numbers in arguments and data stand as they were written.
//
// No line has a secret of the settings: none is in the store. Of an address that a request
// gave for its callback only scheme and host are written, since its path may be one.
package export
