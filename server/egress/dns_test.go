package egress

import (
	"context"
	"encoding/binary"
	"net"
	"testing"
)

// aliasServer answers every question for an A record with a CNAME to inside.example and
// the address of that, 10.0.0.7 (RFC 1035, section 4.1), and has no other records.
func aliasServer(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		question := make([]byte, 1<<10)
		for {
			n, from, err := server.ReadFrom(question)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(aliasAnswer(question[:n]), from)
		}
	}()
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}
}

func aliasAnswer(question []byte) []byte {
	end := 12
	for question[end] != 0 {
		end += 1 + int(question[end])
	}
	end += 5 // the root, type and class
	const a, cname = 1, 5
	out := append([]byte{}, question[:end]...)
	copy(out[2:4], []byte{0x81, 0x80}) // an answer, recursion available
	copy(out[6:12], make([]byte, 6))
	if binary.BigEndian.Uint16(question[end-4:]) != a {
		return out
	}
	out[7] = 2
	inside := []byte("\x06inside\x07example\x00")
	record := func(name []byte, kind byte, data []byte) {
		out = append(append(out, name...), 0, kind, 0, 1, 0, 0, 0, 60, 0, byte(len(data)))
		out = append(out, data...)
	}
	record([]byte{0xc0, 12}, cname, inside)
	record(inside, a, []byte{10, 0, 0, 7})
	return out
}
