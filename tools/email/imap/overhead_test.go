//go:build unix

package imap_test

import (
	"fmt"
	"net"
	"testing"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"drawbridge/tools"
	"drawbridge/tools/backendtest"
	"drawbridge/tools/email"
	"drawbridge/tools/email/imap"
	"drawbridge/tools/email/imap/imaptest"
)

// BenchmarkOverABareClient says what searching and reading cost beyond the same questions
// asked of the same server (Dovecot) by the client of the protocol alone, at the median: one
// after the other, in turns, so that what else the machine does hits both.
func BenchmarkOverABareClient(b *testing.B) {
	server := imaptest.New(b, imaptest.Options{})
	for n := range 40 {
		raw, _ := mailNumber(n)
		server.Deliver(raw)
	}
	ours := open(b, server.Address, func(s *imap.Settings) { s.Folders, s.Sent = []string{"INBOX"}, "" })
	plain := bareClient(b, server.Address)
	list, err := ours.SearchMessages(b.Context(), email.Filter{Page: tools.Page{Limit: 20}})
	if err != nil || len(list.Messages) != 20 {
		b.Fatalf("found %d, %v", len(list.Messages), err)
	}
	b.Run("search", func(b *testing.B) {
		backendtest.Overhead(b, func() error {
			list, err := ours.SearchMessages(b.Context(), email.Filter{Page: tools.Page{Limit: 20}})
			if err == nil && len(list.Messages) != 20 {
				err = fmt.Errorf("found %d", len(list.Messages))
			}
			return err
		}, plain.search)
	})
	b.Run("get", func(b *testing.B) {
		backendtest.Overhead(b, func() error {
			_, err := ours.GetMessage(b.Context(), list.Messages[0].ID)
			return err
		}, plain.get)
	})
}

// plainClient is the client of the protocol, with the folder open.
type plainClient struct{ *imapclient.Client }

func bareClient(b *testing.B, address string) plainClient {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	client := imapclient.New(conn, nil)
	b.Cleanup(func() { _ = client.Close() })
	if err := client.Login(imaptest.Username, imaptest.Password).Wait(); err != nil {
		b.Fatal(err)
	}
	if _, err := client.Select("INBOX", &goimap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		b.Fatal(err)
	}
	return plainClient{client}
}

func (c plainClient) search() error {
	if err := c.Noop().Wait(); err != nil {
		return err
	}
	found, err := c.UIDSearch(&goimap.SearchCriteria{NotFlag: []goimap.Flag{goimap.FlagDeleted}}, &goimap.SearchOptions{ReturnAll: true}).Wait()
	if err != nil {
		return err
	}
	uids := found.AllUIDs()
	return c.fetch(uids[len(uids)-21:], 21, &goimap.FetchItemBodySection{Specifier: goimap.PartSpecifierHeader, Peek: true, Partial: &goimap.SectionPartial{Size: 32 << 10}},
		&goimap.FetchItemBodySection{Specifier: goimap.PartSpecifierText, Peek: true, Partial: &goimap.SectionPartial{Size: 8 << 10}})
}

// get reads a message, and asks what else belongs to its conversation.
func (c plainClient) get() error {
	const uid = 40
	if err := c.Noop().Wait(); err != nil {
		return err
	}
	if err := c.fetch([]goimap.UID{uid}, 1, &goimap.FetchItemBodySection{Peek: true, Partial: &goimap.SectionPartial{Size: 4 << 20}}); err != nil {
		return err
	}
	if err := c.Noop().Wait(); err != nil {
		return err
	}
	field := func(name string) goimap.SearchCriteria {
		return goimap.SearchCriteria{Header: []goimap.SearchCriteriaHeaderField{{Key: name, Value: "<m39@example.com>"}}}
	}
	either := goimap.SearchCriteria{Or: [][2]goimap.SearchCriteria{{field("Message-ID"), field("References")}}}
	either = goimap.SearchCriteria{Or: [][2]goimap.SearchCriteria{{either, field("In-Reply-To")}}}
	if _, err := c.UIDSearch(&either, &goimap.SearchOptions{ReturnAll: true}).Wait(); err != nil {
		return err
	}
	return c.fetch([]goimap.UID{uid}, 1, &goimap.FetchItemBodySection{Specifier: goimap.PartSpecifierHeader, Peek: true, Partial: &goimap.SectionPartial{Size: 32 << 10}})
}

func (c plainClient) fetch(uids []goimap.UID, want int, sections ...*goimap.FetchItemBodySection) error {
	got, err := c.Fetch(goimap.UIDSetNum(uids...), &goimap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true, BodySection: sections}).Collect()
	if err == nil && len(got) != want {
		err = fmt.Errorf("got %d messages, want %d", len(got), want)
	}
	return err
}
