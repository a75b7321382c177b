package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// encrypted gives a connection that is encrypted as the settings say, on which a server's
// greeting is to be read.
func encrypted(ctx context.Context, raw net.Conn, s Settings, host string) (net.Conn, error) {
	if s.TLS == Clear {
		return raw, nil
	}
	greeting := ""
	if s.TLS == StartTLS {
		if err := startTLS(raw); err != nil {
			return nil, err
		}
		// The server greets once, and whoever reads from now on waits for that.
		greeting = "* OK encrypted\r\n"
	}
	conn := tls.Client(raw, &tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12})
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return &greeted{conn, strings.NewReader(greeting)}, nil
}

// startTLS asks for encryption (RFC 9051, 6.2.1). Nothing that came before it is believed,
// but that it may begin; nothing is read that comes behind the answer.
func startTLS(raw net.Conn) error {
	line, err := readLine(raw)
	if err != nil {
		return err
	}
	if word := strings.ToUpper(line); !strings.HasPrefix(word, "* OK") {
		return fmt.Errorf("the server greets with %.60s, and not with OK", line)
	}
	if _, err := io.WriteString(raw, "S1 STARTTLS\r\n"); err != nil {
		return err
	}
	for {
		if line, err = readLine(raw); err != nil {
			return err
		}
		if strings.HasPrefix(line, "* ") {
			continue
		}
		if strings.HasPrefix(strings.ToUpper(line), "S1 OK") {
			return nil
		}
		return fmt.Errorf("the server answers STARTTLS with %.100s", line)
	}
}

// maxGreeting bounds a line before there is encryption, in bytes.
const maxGreeting = 8 << 10

// readLine reads a line, and no byte more.
func readLine(raw net.Conn) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < maxGreeting {
		if _, err := io.ReadFull(raw, one); err != nil {
			return "", err
		}
		if one[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, one[0])
	}
	return "", errors.New("the server's greeting has no end")
}

// greeted is a connection on which something was read before.
type greeted struct {
	net.Conn
	before *strings.Reader
}

func (g *greeted) Read(p []byte) (int, error) {
	if g.before.Len() > 0 {
		return g.before.Read(p)
	}
	return g.Conn.Read(p)
}
