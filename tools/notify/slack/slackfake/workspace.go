package slackfake

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Person is somebody with an account, or of another workspace in a shared channel.
type Person struct {
	ID, Name, Email string
	Team            string // Team if ""
	Guest           bool   // is_restricted
	Bot             bool
	Deactivated     bool
	Unconfirmed     bool // the address is not confirmed
}

// Channel is a conversation.
type Channel struct {
	ID, Name string
	Private  bool
	Member   bool // the app is in it
	Archived bool
	Shared   bool   // with another workspace, by Slack Connect
	Invited  bool   // another workspace was invited, and has not come
	Group    bool   // a group message
	With     string // whom a direct message is with

	messages []*Message
}

// Message is what stands in a channel.
type Message struct {
	TS, Thread, Author string
	Text               string // as it was sent
	Blocks             string
	Only               string // who alone sees it
	Updates            int
	Deleted            bool
}

// Join adds somebody, and gives the id.
func (s *Server) Join(p Person) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.ID == "" {
		s.n++
		p.ID = fmt.Sprintf("U0FAKE%03d", s.n)
	}
	if p.Team == "" {
		p.Team = Team
	}
	s.people = append(s.people, &p)
	return p.ID
}

// Open adds a channel, and gives the id.
func (s *Server) Open(c Channel) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(c).ID
}

func (s *Server) add(c Channel) *Channel {
	if c.ID == "" {
		s.n++
		c.ID = fmt.Sprintf("C0FAKE%03d", s.n)
	}
	s.channels = append(s.channels, &c)
	return &c
}

// Share changes a channel: another workspace is in it from now on.
func (s *Server) Share(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.channelOf(channel); c != nil {
		c.Shared = true
	}
}

// Say has somebody write, under a message if thread is one.
func (s *Server) Say(channel, thread, author, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(s.channelOf(channel), Message{Thread: thread, Author: author, Text: text}).TS
}

// Delete takes a message away.
func (s *Server) Delete(channel, ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.messageOf(s.channelOf(channel), ts); m != nil {
		m.Deleted = true
	}
}

// Messages are what stands in a channel, the oldest first; those that one person sees alone
// too.
func (s *Server) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Message
	if c := s.channelOf(channel); c != nil {
		for _, m := range c.messages {
			if !m.Deleted {
				all = append(all, *m)
			}
		}
	}
	return all
}

// Whispers are the texts that one person sees alone in a channel.
func (s *Server) Whispers(channel, user string) (texts []string) {
	for _, m := range s.Messages(channel) {
		if m.Only == user && user != "" {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

// Read is the text as people read it.
func (m Message) Read() string {
	text := m.Text
	for begin := 0; ; {
		at := strings.IndexByte(text[begin:], '<')
		if at < 0 {
			break
		}
		end := strings.IndexByte(text[begin+at:], '>')
		if end < 0 {
			break
		}
		text = text[:begin+at] + text[begin+at+end+1:]
		begin += at
	}
	return strings.TrimSpace(strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text))
}

// Calls are whom a message calls: ids of people, "here", "channel" or "everyone".
func (m Message) Calls() (called []string) {
	for _, part := range strings.Split(m.Text, "<")[1:] {
		inside, _, closed := strings.Cut(part, ">")
		inside, _, _ = strings.Cut(inside, "|")
		switch {
		case !closed:
		case strings.HasPrefix(inside, "@"):
			called = append(called, inside[1:])
		case strings.HasPrefix(inside, "!"):
			name, _, _ := strings.Cut(inside[1:], "^")
			called = append(called, name)
		}
	}
	return called
}

func (s *Server) channelOf(id string) *Channel {
	for _, c := range s.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (s *Server) personOf(id string) *Person {
	for _, p := range s.people {
		if p.ID == id {
			return p
		}
	}
	return nil
}

func (s *Server) messageOf(c *Channel, ts string) *Message {
	if c == nil {
		return nil
	}
	if at := slices.IndexFunc(c.messages, func(m *Message) bool { return m.TS == ts }); at >= 0 {
		return c.messages[at]
	}
	return nil
}

// epoch is when the first message was posted: every message has a second of its own.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

func (s *Server) put(c *Channel, m Message) *Message {
	s.n++
	m.TS = fmt.Sprintf("%d.%06d", epoch+int64(s.n), 100)
	c.messages = append(c.messages, &m)
	return &m
}
