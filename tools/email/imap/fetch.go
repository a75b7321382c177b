package imap

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

const (
	// wholeMail is how much of a message is read, in bytes. What comes behind is most
	// often the rest of an attachment.
	wholeMail = 4 << 20
	// headOfMail and startOfText are what a list shows a message by.
	headOfMail  = 32 << 10
	startOfText = 8 << 10
)

// raw is a message as it was fetched, or a part of it.
type raw struct {
	place
	at    time.Time // when it came
	flags []imap.Flag
	size  int64
	// head and text are the beginnings of both, whole is that of the message.
	head, text, whole []byte
}

func (r raw) has(flag imap.Flag) bool {
	return slices.ContainsFunc(r.flags, func(f imap.Flag) bool { return imap.Flag(lower(string(f))) == imap.Flag(lower(string(flag))) })
}

// heads fetches what a list shows of messages, in the order of uids.
func (c *conn) heads(ctx context.Context, uids []imap.UID) ([]raw, error) {
	return c.fetch(ctx, uids, int64(len(uids))*(headOfMail+startOfText+smallMargin), func(o *imap.FetchOptions) {
		o.BodySection = []*imap.FetchItemBodySection{
			{Specifier: imap.PartSpecifierHeader, Peek: true, Partial: &imap.SectionPartial{Size: headOfMail}},
			{Specifier: imap.PartSpecifierText, Peek: true, Partial: &imap.SectionPartial{Size: startOfText}},
		}
	})
}

// headersOnly fetches the header alone of messages.
func (c *conn) headersOnly(ctx context.Context, uids []imap.UID) ([]raw, error) {
	return c.fetch(ctx, uids, int64(len(uids))*(headOfMail+smallMargin), func(o *imap.FetchOptions) {
		o.BodySection = []*imap.FetchItemBodySection{{Specifier: imap.PartSpecifierHeader, Peek: true, Partial: &imap.SectionPartial{Size: headOfMail}}}
	})
}

// read fetches a message; false: there is none of that number.
func (c *conn) read(ctx context.Context, uid imap.UID) (raw, bool, error) {
	all, err := c.fetch(ctx, []imap.UID{uid}, wholeMail+smallMargin, func(o *imap.FetchOptions) {
		o.BodySection = []*imap.FetchItemBodySection{{Peek: true, Partial: &imap.SectionPartial{Size: wholeMail}}}
	})
	if err != nil || len(all) == 0 {
		return raw{}, false, err
	}
	return all[0], true, nil
}

// smallMargin is what an answer has around a message, in bytes.
const smallMargin = 16 << 10

// fetch gives those of the messages that are there, in the order of uids. What the server
// tells of others is passed over.
func (c *conn) fetch(ctx context.Context, uids []imap.UID, most int64, what func(o *imap.FetchOptions)) ([]raw, error) {
	if len(uids) == 0 {
		return nil, nil
	}
	found := map[imap.UID]raw{}
	options := &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true}
	what(options)
	err := c.ask(ctx, answerTime, most+smallAnswer, c.folder.name, func() error {
		command := c.client.Fetch(imap.UIDSetNum(uids...), options)
		for {
			message := command.Next()
			if message == nil {
				return command.Close()
			}
			r, uid, err := c.collect(message)
			if err != nil {
				// Nothing more comes, and command.Close would read where the client does.
				_ = c.wire.Conn.Close()
				return err
			}
			if before, again := found[uid]; again {
				r = before.with(r)
			}
			found[uid] = r
		}
	})
	if err != nil {
		return nil, err
	}
	var all []raw
	for _, uid := range uids {
		if r, ok := found[uid]; ok && !r.at.IsZero() {
			all = append(all, r)
		}
	}
	return all, nil
}

// with is r with what else was told of it: a server may tell of changed flags in between.
func (r raw) with(more raw) raw {
	if !more.at.IsZero() {
		return more
	}
	if more.flags != nil {
		r.flags = more.flags
	}
	return r
}

func (c *conn) collect(message *imapclient.FetchMessageData) (r raw, uid imap.UID, err error) {
	r.folder, r.validity = c.folder.name, c.folder.validity
	for {
		switch item := message.Next().(type) {
		case nil:
			r.uid = uint32(uid)
			return r, uid, nil
		case imapclient.FetchItemDataUID:
			uid = item.UID
		case imapclient.FetchItemDataFlags:
			r.flags = item.Flags
		case imapclient.FetchItemDataInternalDate:
			r.at = item.Time.UTC()
		case imapclient.FetchItemDataRFC822Size:
			r.size = item.Size
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil {
				continue
			}
			content, err := io.ReadAll(item.Literal)                     // as much as the meter lets come
			if err == nil && int64(len(content)) < item.Literal.Size() { // the connection ended
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return r, uid, err
			}
			switch item.Section.Specifier {
			case imap.PartSpecifierHeader:
				r.head = content
			case imap.PartSpecifierText:
				r.text = content
			default:
				r.whole = content
			}
		}
	}
}
