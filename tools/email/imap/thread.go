package imap

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"drawbridge/tools/email"
	"drawbridge/tools/email/imap/reading"
)

const (
	// maxThread is how many other messages of a conversation are shown, maxCandidates how
	// many of a folder are looked at for them.
	maxThread     = 50
	maxCandidates = 200
	// maxAsked is how many Message-IDs a folder is asked about at once, maxRounds how often.
	maxAsked  = 6
	maxRounds = 3
)

// thread is the conversation of a message.
type thread struct {
	id     string
	others []email.Related
}

// member is a message that may belong to a conversation.
type member struct {
	raw    raw
	letter reading.Letter
	// sure: the server says that it does.
	sure bool
}

func (m member) ids() []string {
	return append(references(m.letter), m.letter.MessageID)
}

// conversation finds the other messages of a message's conversation: in its own folder by
// the server's reckoning, where it has one (THREAD=REFERENCES, RFC 5256), and everywhere by
// what messages refer to.
func (b *Backend) conversation(ctx context.Context, self raw, l reading.Letter) (thread, error) {
	first := member{raw: self, letter: l, sure: true}
	known := map[string]bool{}
	asked := map[string]bool{}
	for _, id := range first.ids() {
		known[id] = id != ""
	}
	members := map[place]member{self.place: first}
	for range maxRounds {
		next := toAsk(first, known, asked)
		if len(next) == 0 {
			break
		}
		for _, folder := range b.folders() {
			found, err := b.candidates(ctx, folder, self, next)
			if err != nil {
				return thread{}, err
			}
			join(members, known, found)
		}
		if len(members) > maxThread {
			break
		}
	}
	return b.threadOf(self, members), nil
}

// toAsk are Message-IDs that nobody was asked about yet, the conversation's first and last
// before others.
func toAsk(first member, known, asked map[string]bool) []string {
	var next []string
	refs := first.ids()
	for _, id := range slices.Concat(refs[max(0, len(refs)-3):], refs[:min(1, len(refs))], slices.Sorted(maps.Keys(known))) {
		if known[id] && !asked[id] && len(next) < maxAsked {
			asked[id] = true
			next = append(next, id)
		}
	}
	return next
}

// join adds those of the candidates that belong to the conversation, until nothing does.
func join(members map[place]member, known map[string]bool, candidates []member) {
	for grown := true; grown; {
		grown = false
		for _, m := range candidates {
			if _, has := members[m.raw.place]; has {
				continue
			}
			if !m.sure && !slices.ContainsFunc(m.ids(), func(id string) bool { return known[id] }) {
				continue
			}
			members[m.raw.place], grown = m, true
			for _, id := range m.ids() {
				if id != "" {
					known[id] = true
				}
			}
		}
	}
}

// candidates are messages of a folder that have to do with one of the Message-IDs.
func (b *Backend) candidates(ctx context.Context, folder string, self raw, ids []string) ([]member, error) {
	var criteria imap.SearchCriteria
	for i, id := range ids {
		one := either(header("Message-ID", id), header("References", id), header("In-Reply-To", id))
		if i == 0 {
			criteria = one
		} else {
			criteria = either(criteria, one)
		}
	}
	var all []member
	err := b.within(ctx, folder, func(c *conn) error {
		found, err := c.search(ctx, criteria)
		if err != nil {
			return err
		}
		uids := found.take(maxCandidates)
		tree := map[uint32]bool{}
		if folder == self.folder && len(uids) > 1 && c.client.Caps().Has("THREAD=REFERENCES") {
			if tree, err = c.tree(ctx, uids, self.uid); err != nil {
				return err
			}
		}
		heads, err := c.headersOnly(ctx, uids)
		all = nil
		for _, r := range heads {
			all = append(all, member{raw: r, letter: reading.Parse(r.head), sure: tree[r.uid]})
		}
		return err
	})
	return all, err
}

func header(name, value string) imap.SearchCriteria {
	return imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: name, Value: value}}}
}

// tree are those of the numbers whose messages the server has in one conversation with uid.
func (c *conn) tree(ctx context.Context, uids []imap.UID, uid uint32) (in map[uint32]bool, err error) {
	in = map[uint32]bool{}
	criteria := imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(uids...)}}
	err = c.ask(ctx, answerTime, listAnswer, c.folder.name, func() error {
		trees, err := c.client.UIDThread(&imapclient.ThreadOptions{Algorithm: "REFERENCES", SearchCriteria: &criteria}).Wait()
		if err != nil {
			return err
		}
		for _, t := range trees {
			if all := numbers(t, nil); slices.Contains(all, uid) {
				for _, n := range all {
					in[n] = true
				}
			}
		}
		return nil
	})
	return in, err
}

// numbers are those of a tree, whose depth is bounded (shallow).
func numbers(t imapclient.ThreadData, all []uint32) []uint32 {
	all = append(all, t.Chain...)
	for _, sub := range t.SubThreads {
		all = numbers(sub, all)
	}
	return all
}

// threadOf is the conversation by its members, the oldest first.
func (b *Backend) threadOf(self raw, members map[place]member) thread {
	all := slices.SortedFunc(maps.Values(members), func(m, n member) int {
		return cmp.Or(m.raw.at.Compare(n.raw.at), cmp.Compare(m.raw.uid, n.raw.uid), cmp.Compare(m.raw.folder, n.raw.folder))
	})
	t := thread{others: []email.Related{}}
	t.id = threadID(rootOf(all[0].letter, all[0].raw.id()))
	shown := map[string]bool{}
	for _, m := range all {
		message := b.message(m.raw, m.letter)
		// One message can be in two folders.
		if m.raw.place == self.place || withheld(message, b.s.Own) || message.MessageID != "" && shown[message.MessageID] {
			continue
		}
		shown[message.MessageID] = true
		t.others = append(t.others, email.Related{ID: message.ID, Status: message.Status, From: message.From, Subject: message.Subject, CreatedAt: message.CreatedAt.Truncate(time.Millisecond)})
	}
	if over := len(t.others) - maxThread; over > 0 {
		t.others = t.others[over:]
	}
	return t
}
