package mcpserver

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

// ticket is the state by which a client of protocol 2026-07-28 comes back with what its
// person decided (MRTR, SEP-2322). The client holds it, so it is signed: it serves the same
// principal, for the same call with the same arguments under the same key, until it ends,
// and once. A restart, or another node with the same key, takes it as well; what it was
// spent for is known to the approval itself, which is decided about once.
type ticket struct {
	Approval  string `json:"a"`
	Principal string `json:"p"`
	Call      string `json:"c"` // a hash: see callHash
	Ends      int64  `json:"e"` // unix milliseconds
	Nonce     string `json:"n"`
}

// ticketPrefix tells tickets from the states of conversations, which are random.
const ticketPrefix = "dba1."

func isTicket(state string) bool { return strings.HasPrefix(state, ticketPrefix) }

// inputRequired answers a call with the question whether it may be made.
func (s *Server) inputRequired(ctx context.Context, request mcp.CallToolRequest, a guard.Approval, params mcp.ElicitationParams) (*mcp.CallToolResult, error) {
	principal, _ := auth.From(ctx)
	t := ticket{Approval: a.ID, Principal: principal.String(), Call: callHash(request), Ends: a.Expires.UnixMilli(), Nonce: rand.Text()}
	return server.NewInputRequestBuilder(s.tickets.sign(t)).Elicit(answerID, params).ToolResult(), nil
}

// confirmed takes a call that comes back with what its person decided. One whose state does
// not hold goes on with it, to the guard, which refuses and records it.
func (s *Server) confirmed(ctx context.Context, request mcp.CallToolRequest, next server.ToolHandlerFunc) (*mcp.CallToolResult, error) {
	principal, _ := auth.From(ctx)
	t, ok := s.tickets.read(request.Params.RequestState)
	if !ok || t.Principal != principal.String() || t.Call != callHash(request) || !s.tickets.spend(t, s.options.Now()) {
		return next(ctx, request)
	}
	answer := reply(server.ElicitationResponse(request.Params.InputResponses, answerID))
	if _, err := s.note(ctx, t.Approval, answer); err != nil {
		return nil, err
	}
	request.Params.RequestState, request.Params.InputResponses = "", nil
	return next(ctx, request)
}

// callHash stands for a call: the tool, its arguments however they are written, and the
// idempotency key.
func callHash(request mcp.CallToolRequest) string {
	var arguments any
	decoder := json.NewDecoder(strings.NewReader(string(request.Params.RawArguments)))
	decoder.UseNumber()
	_ = decoder.Decode(&arguments) // what cannot be read is refused by the guard
	canonical, _ := json.Marshal([]any{guard.NameOf(request), request.Params.Meta.GetMetaField(guard.MetaKey), arguments})
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// tickets signs tickets, and knows those that were spent in this process.
type tickets struct {
	key []byte

	mu    sync.Mutex
	spent map[string]time.Time // by nonce: when it ends
}

// newTickets signs with a key; with one of its own if there is none.
func newTickets(key []byte) *tickets {
	if len(key) == 0 {
		key = []byte(rand.Text())
	}
	return &tickets{key: key, spent: map[string]time.Time{}}
}

func (k *tickets) mac(body string) []byte {
	mac := hmac.New(sha256.New, k.key)
	mac.Write([]byte("drawbridge approval ticket 1\n" + body))
	return mac.Sum(nil)
}

func (k *tickets) sign(t ticket) string {
	raw, _ := json.Marshal(t) // plain data
	body := base64.RawURLEncoding.EncodeToString(raw)
	return ticketPrefix + body + "." + base64.RawURLEncoding.EncodeToString(k.mac(body))
}

// read gives a ticket that was signed here, and that nobody has changed.
func (k *tickets) read(state string) (t ticket, ok bool) {
	body, sum, found := strings.Cut(strings.TrimPrefix(state, ticketPrefix), ".")
	given, err := base64.RawURLEncoding.Strict().DecodeString(sum)
	if !found || err != nil || !hmac.Equal(given, k.mac(body)) {
		return ticket{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	return t, err == nil && json.Unmarshal(raw, &t) == nil
}

// spend reports whether the ticket can be used, and has it used up.
func (k *tickets) spend(t ticket, now time.Time) bool {
	ends := time.UnixMilli(t.Ends)
	k.mu.Lock()
	defer k.mu.Unlock()
	for nonce, over := range k.spent {
		if !now.Before(over) {
			delete(k.spent, nonce)
		}
	}
	if _, before := k.spent[t.Nonce]; before || !now.Before(ends) {
		return false
	}
	k.spent[t.Nonce] = ends
	return true
}
