package imap

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-imap/v2"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

func lower(text string) string { return strings.ToLower(text) }

// criteria is what is asked of the server: all that may be wanted, and more where it
// cannot say it exactly. mayBe decides then.
func (b *Backend) criteria(f email.Filter) imap.SearchCriteria {
	var all imap.SearchCriteria
	field := func(name, value string) imap.SearchCriteria {
		return imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: name, Value: value}}}
	}
	if f.Text != "" {
		all.And(ptr(either(imap.SearchCriteria{Body: []string{f.Text}}, field("Subject", f.Text), field("From", f.Text), field("To", f.Text), field("Cc", f.Text), field("Bcc", f.Text))))
	}
	if f.From != "" {
		all.And(ptr(field("From", f.From)))
	}
	if f.Subject != "" {
		all.And(ptr(field("Subject", f.Subject)))
	}
	if f.Address != "" {
		all.And(ptr(either(field("From", f.Address), field("To", f.Address), field("Cc", f.Address), field("Bcc", f.Address))))
	}
	// Dates go by the server's calendar, of which we do not know the zone.
	if !f.Since.IsZero() {
		all.Since = f.Since.UTC().Add(-24 * time.Hour)
	}
	if !f.Until.IsZero() {
		all.Before = f.Until.UTC().Add(2 * 24 * time.Hour)
	}
	if f.Unread {
		all.NotFlag = append(all.NotFlag, imap.FlagSeen)
	}
	if f.Status == email.Draft {
		all.Flag = append(all.Flag, imap.FlagDraft)
	}
	if f.Status == email.Sent {
		all.And(ptr(field("From", b.s.Own)))
	}
	all.NotFlag = append(all.NotFlag, imap.FlagDeleted)
	return all
}

func ptr[T any](v T) *T { return &v }

// either is what fits one of several.
func either(first imap.SearchCriteria, more ...imap.SearchCriteria) imap.SearchCriteria {
	for _, next := range more {
		first = imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{first, next}}}
	}
	return first
}

// mayBe reports whether a message is really one that was asked for.
func mayBe(f email.Filter, m email.Message) bool {
	switch {
	case f.Status != "" && m.Status != f.Status,
		!f.Since.IsZero() && m.CreatedAt.Before(f.Since),
		!f.Until.IsZero() && !m.CreatedAt.Before(f.Until),
		f.Unread && !m.Unread:
		return false
	}
	if f.Address == "" {
		return true
	}
	for _, list := range [][]string{{m.From}, m.To, m.Cc, m.Bcc} {
		for _, text := range list {
			if a, err := email.ParseAddress("", text); err == nil && strings.EqualFold(a.Address, f.Address) {
				return true
			}
		}
	}
	return false
}

// hits are the numbers of messages, the highest first, which a search found. They are kept
// as ranges: a server can claim four thousand million in a line.
type hits struct{ ranges imap.UIDSet }

// take gives the next ones, at most so many.
func (h *hits) take(most int) []imap.UID {
	var uids []imap.UID
	for len(uids) < most && len(h.ranges) > 0 {
		last := &h.ranges[len(h.ranges)-1]
		if last.Stop == 0 || last.Stop < last.Start { // no number is
			h.ranges = h.ranges[:len(h.ranges)-1]
			continue
		}
		uids = append(uids, last.Stop)
		if last.Stop == last.Start {
			h.ranges = h.ranges[:len(h.ranges)-1]
		} else {
			last.Stop--
		}
	}
	return uids
}

// search finds messages in the open folder.
func (c *conn) search(ctx context.Context, criteria imap.SearchCriteria) (found *hits, err error) {
	found = &hits{}
	err = c.ask(ctx, answerTime, listAnswer, c.folder.name, func() error {
		var options *imap.SearchOptions
		if caps := c.client.Caps(); caps.Has(imap.CapESearch) || caps.Has(imap.CapIMAP4rev2) {
			options = &imap.SearchOptions{ReturnAll: true}
		}
		data, err := c.client.UIDSearch(&criteria, options).Wait()
		if err != nil {
			return err
		}
		if set, ok := data.All.(imap.UIDSet); ok && !set.Dynamic() {
			found.ranges = slices.Clone(set)
		}
		return nil
	})
	return found, err
}

// cursor is where a page of a search ended: in each folder behind a number.
type cursor struct {
	Folders []cursorIn `json:"f"`
}

type cursorIn struct {
	Validity uint32 `json:"v"`
	Before   uint32 `json:"b"` // 0: nothing of it was shown yet
}

// stream are the hits of one folder, fetched some at a time.
type stream struct {
	b       *Backend
	filter  email.Filter
	folder  string
	in      cursorIn
	hits    *hits
	ready   []email.Message // the newest first
	places  []place
	looked  int
	drained bool
}

const (
	// fetched is how many messages are asked for at once.
	fetched = 25
	// maxLooked bounds how many messages of a folder are looked at for a page, where the
	// server cannot say exactly which are wanted.
	maxLooked = 1000
)

// fill has the next hits ready.
func (s *stream) fill(ctx context.Context, want int) error {
	for len(s.ready) == 0 && !s.drained {
		err := s.b.within(ctx, s.folder, func(c *conn) error { return s.more(ctx, c, want) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) more(ctx context.Context, c *conn, want int) error {
	if s.in.Validity != 0 && s.in.Validity != c.folder.validity {
		return tools.Errorf(tools.Invalid, "cursor: the mail server has numbered the messages of folder %q anew since; search from the first page again", s.folder)
	}
	s.in.Validity = c.folder.validity
	if s.hits == nil {
		criteria := s.b.criteria(s.filter)
		if s.in.Before > 0 {
			if s.in.Before == 1 {
				s.drained = true
				return nil
			}
			var set imap.UIDSet
			set.AddRange(1, imap.UID(s.in.Before-1))
			criteria.UID = append(criteria.UID, set)
		}
		found, err := c.search(ctx, criteria)
		if err != nil {
			return err
		}
		s.hits = found
	}
	uids := s.hits.take(min(want, fetched))
	if len(uids) == 0 {
		s.drained = true
		return nil
	}
	if s.looked += len(uids); s.looked > maxLooked {
		return tools.Errorf(tools.Invalid, "the search fits too many messages that have to be looked at one by one; narrow it, by since and until for example")
	}
	all, err := c.heads(ctx, uids)
	if err != nil {
		return err
	}
	for _, r := range all {
		if s.in.Before != 0 && r.uid >= s.in.Before {
			continue // not what was asked for
		}
		if m := s.b.shown(r); !withheld(m, s.b.s.Own) && mayBe(s.filter, m) {
			s.ready, s.places = append(s.ready, m), append(s.places, r.place)
		}
	}
	return nil
}

// SearchMessages lists what folders hold, the newest first by when it came. Within a folder
// that is the order of its numbers, so that what comes in meanwhile moves no page.
func (b *Backend) SearchMessages(ctx context.Context, f email.Filter) (email.MessageList, error) {
	list, err := b.searched(ctx, f)
	return list, judge(ctx, err)
}

func (b *Backend) searched(ctx context.Context, f email.Filter) (email.MessageList, error) {
	list := email.MessageList{Messages: []email.Summary{}}
	streams, err := b.streams(f)
	if err != nil || f.Status == email.Scheduled || f.Status == email.Cancelled {
		return list, err
	}
	for len(list.Messages) <= f.Size() {
		var newest *stream
		for _, s := range streams {
			if err := s.fill(ctx, f.Size()+1); err != nil {
				return list, err
			}
			if len(s.ready) > 0 && (newest == nil || s.ready[0].CreatedAt.After(newest.ready[0].CreatedAt)) {
				newest = s
			}
		}
		if newest == nil {
			return list, nil
		}
		if len(list.Messages) == f.Size() {
			at := cursor{}
			for _, s := range streams {
				at.Folders = append(at.Folders, s.in)
			}
			list.NextCursor = tools.EncodeCursor(at)
			return list, nil
		}
		list.Messages = append(list.Messages, newest.ready[0].Summary)
		newest.in.Before = newest.places[0].uid
		newest.ready, newest.places = newest.ready[1:], newest.places[1:]
	}
	return list, nil
}

// streams are the folders to be looked through, each from where the page before ended.
func (b *Backend) streams(f email.Filter) ([]*stream, error) {
	for _, text := range []string{f.Text, f.From, f.Subject} {
		if strings.ContainsFunc(text, unicode.IsControl) {
			return nil, tools.Errorf(tools.Invalid, "q, from, subject: hold a control character, such as a line break; leave it out")
		}
	}
	folders := b.s.Folders
	if f.Folder != "" {
		if !slices.Contains(folders, f.Folder) {
			return nil, tools.Errorf(tools.Invalid, "folder: there is no folder %q; there are %q", f.Folder, folders)
		}
		folders = []string{f.Folder}
	}
	var at cursor
	given, err := tools.DecodeCursor(f.Cursor, &at)
	if err != nil {
		return nil, err
	}
	if given && len(at.Folders) != len(folders) {
		return nil, tools.Errorf(tools.Invalid, "cursor: not a cursor of this search. Leave it out to start from the first page, or pass next_cursor unchanged, with the same filters.")
	}
	streams := make([]*stream, len(folders))
	for i, folder := range folders {
		streams[i] = &stream{b: b, filter: f, folder: folder}
		if given {
			streams[i].in = at.Folders[i]
		}
	}
	return streams, nil
}
