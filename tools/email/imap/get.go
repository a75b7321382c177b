package imap

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/email/imap/reading"
)

// GetMessage reads a message, by its id, by its Message-ID, or by the id of a receipt.
func (b *Backend) GetMessage(ctx context.Context, id string) (email.Message, error) {
	r, l, err := b.get(ctx, "id", id)
	if err != nil {
		return email.Message{}, judge(ctx, err)
	}
	m := b.message(r, l)
	t, err := b.conversation(ctx, r, l)
	if err != nil {
		return email.Message{}, judge(ctx, err)
	}
	m.Thread, m.ThreadID = t.others, t.id
	return m, nil
}

// folders are all that there is to be read.
func (b *Backend) folders() []string {
	if b.s.Sent == "" || slices.Contains(b.s.Folders, b.s.Sent) {
		return b.s.Folders
	}
	return append(slices.Clone(b.s.Folders), b.s.Sent)
}

// get fetches a message; field is named in what is told.
func (b *Backend) get(ctx context.Context, field, id string) (r raw, l reading.Letter, err error) {
	p, ok := parseID(id)
	if !ok {
		if p, err = b.find(ctx, field, id); err != nil {
			return r, l, err
		}
	}
	if !slices.Contains(b.folders(), p.folder) {
		return r, l, email.NoMessage(field, id)
	}
	found := false
	err = b.within(ctx, p.folder, func(c *conn) (err error) {
		if c.folder.validity != p.validity {
			return renumbered(field, p, c.folder.validity)
		}
		r, found, err = c.read(ctx, imap.UID(p.uid))
		return err
	})
	if err != nil {
		return r, l, err
	}
	if found {
		l = reading.Parse(r.whole)
	}
	if !found || withheld(b.message(r, l), b.s.Own) {
		return r, l, email.NoMessage(field, id)
	}
	return r, l, nil
}

// find looks for a message by its Message-ID, or by what a receipt has of it.
func (b *Backend) find(ctx context.Context, field, id string) (place, error) {
	unique, receipt := strings.CutPrefix(id, "msg_")
	_, domain, _ := strings.Cut(b.s.Own, "@")
	switch {
	case receipt && len(unique) > 0 && !strings.ContainsAny(unique, "<>@ \"\r\n"):
		id2 := "<" + unique + "@" + domain + ">"
		return b.findID(ctx, field, id, id2)
	case strings.HasPrefix(id, "<") && strings.HasSuffix(id, ">") && len(id) > 3 && len(id) < 500 && !strings.ContainsAny(id, "\r\n\x00"):
		return b.findID(ctx, field, id, id)
	}
	return place{}, email.NoMessage(field, id)
}

func (b *Backend) findID(ctx context.Context, field, given, messageID string) (p place, err error) {
	for _, folder := range b.folders() {
		err := b.within(ctx, folder, func(c *conn) error {
			found, err := c.search(ctx, imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: messageID}}})
			if err != nil {
				return err
			}
			all, err := c.headersOnly(ctx, found.take(5))
			for _, r := range all { // the server looks for a part
				if reading.Parse(r.head).MessageID == messageID {
					p = r.place
				}
			}
			return err
		})
		if err != nil || p.uid != 0 {
			return p, err
		}
	}
	return p, email.NoMessage(field, given)
}

// Answering is the References of an answer to a message, by its id or Message-ID. A
// Message-ID that is in none of the folders is taken as it is: the mail may be elsewhere.
func (b *Backend) Answering(ctx context.Context, id string) ([]string, error) {
	_, l, err := b.get(ctx, "in_reply_to", id)
	if tools.CodeOf(err) == tools.NotFound && strings.HasPrefix(id, "<") {
		l, err = reading.Letter{MessageID: id}, nil
	}
	if err != nil {
		return nil, judge(ctx, err)
	}
	refs := email.Answering(references(l), l.MessageID)
	if len(refs) == 0 {
		return nil, tools.Errorf(tools.Invalid, "in_reply_to: message %q has no Message-ID that an answer could refer to; leave in_reply_to out", id)
	}
	return refs, nil
}

// Keep keeps a copy of what was sent, and gives its id: "" where no copies are kept, or the
// server does not say where it put it.
func (b *Backend) Keep(ctx context.Context, raw []byte, at time.Time) (id string, err error) {
	if b.s.Sent == "" {
		return "", nil
	}
	var appended error
	err = b.within(ctx, b.s.Sent, func(c *conn) error {
		// A copy that may have been kept is not kept again, whatever became of the
		// connection: so its failure is none of this exchange's.
		id, appended = c.keep(ctx, b.s.Sent, raw, at)
		return nil
	})
	return id, judge(ctx, errors.Join(err, appended))
}

func (c *conn) keep(ctx context.Context, folder string, raw []byte, at time.Time) (id string, err error) {
	err = c.ask(ctx, answerTime, smallAnswer, folder, func() error {
		command := c.client.Append(folder, int64(len(raw)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}, Time: at})
		_, err := command.Write(raw)
		if closing := command.Close(); err == nil {
			err = closing
		}
		data, waiting := command.Wait()
		if waiting != nil {
			return waiting
		}
		if err == nil && data.UID != 0 && data.UIDValidity != 0 {
			id = place{folder, data.UIDValidity, uint32(data.UID)}.id()
		}
		return err
	})
	var said *imap.Error
	if err != nil && !errors.As(err, &said) {
		c.sound = false
	}
	return id, err
}
