package slack

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"drawbridge/tools"
	"drawbridge/tools/notify"
)

const (
	// remembered is how long a channel is believed to be as it was.
	remembered = time.Minute
	// pageOfAll is how many channels are asked for at once (fewer than a thousand, says
	// Slack), mostPages how often: a name is looked for among ten thousand.
	pageOfAll = 999
	mostPages = 10
)

// channels are those that were seen lately, by id and by name.
type channels struct {
	mu    sync.Mutex
	known map[string]seen
}

type seen struct {
	slack.Channel
	at time.Time
}

func (c *channels) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = map[string]seen{}
}

func (c *channels) find(name string, now time.Time) (slack.Channel, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.known[name]
	return found.Channel, ok && now.Sub(found.at) < remembered
}

// keep remembers a channel by some of its names.
func (c *channels) keep(channel slack.Channel, now time.Time, names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxChannels {
		c.known = map[string]seen{}
	}
	for _, name := range names {
		c.known[name] = seen{channel, now}
	}
}

// channel finds a channel by its id, or by its name.
func (b *Backend) channel(ctx context.Context, name string) (slack.Channel, error) {
	if found, ok := b.channels.find(name, b.now()); ok {
		return found, nil
	}
	if !channelForm.MatchString(name) {
		return b.channelNamed(ctx, strings.ToLower(name))
	}
	at := b.now()
	found, err := read(ctx, b, methodInfo, func(ctx context.Context, api *slack.Client) (*slack.Channel, error) {
		return api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: name})
	})
	switch {
	case tools.CodeOf(err) == tools.NotFound:
		return slack.Channel{}, notify.NoSuchChannel(name)
	case err != nil:
		return slack.Channel{}, err
	case found.ID != name:
		return slack.Channel{}, tools.Errorf(tools.Unavailable, "Slack's answer cannot be read; nothing was changed. Try again later.")
	}
	b.channels.keep(*found, at, name)
	return *found, nil
}

func (b *Backend) channelNamed(ctx context.Context, name string) (slack.Channel, error) {
	if found, ok := b.channels.find(name, b.now()); ok {
		return found, nil
	}
	cursor := ""
	for range mostPages {
		at := b.now()
		page, next, err := b.page(ctx, cursor)
		if err != nil {
			return slack.Channel{}, err
		}
		for _, c := range page {
			if c.Name == name && channelForm.MatchString(c.ID) {
				b.channels.keep(c, at, name, c.ID)
				return c, nil
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return slack.Channel{}, notify.NoSuchChannel(name)
}

type page struct {
	channels []slack.Channel
	next     string
}

// page lists channels from a cursor of Slack's on.
func (b *Backend) page(ctx context.Context, cursor string) ([]slack.Channel, string, error) {
	p, err := read(ctx, b, methodList, func(ctx context.Context, api *slack.Client) (page, error) {
		list, next, err := api.GetConversationsContext(ctx, &slack.GetConversationsParameters{Cursor: cursor, Limit: pageOfAll, ExcludeArchived: true, Types: []string{"public_channel", "private_channel"}})
		return page{list, next}, err
	})
	return p.channels, p.next, err
}

// shared reports whether other companies are in a channel, or were invited.
func shared(c slack.Channel) bool {
	return c.IsExtShared || c.IsPendingExtShared || len(c.PendingShared) > 0 || c.IsShared && !c.IsOrgShared
}

// leaves reports whether what is posted in a channel may leave the company, and refuses
// that if the settings do.
func (b *Backend) leaves(ctx context.Context, c slack.Channel) (outside bool, err error) {
	what := "it is shared with another company"
	switch outside = shared(c); {
	case c.IsIM:
		user, err := b.person(ctx, c.User)
		if err != nil {
			return false, err
		}
		return b.admit(ctx, user)
	case c.IsMpIM:
		outside, what = true, "it is a group message, whose members may be from outside" // nobody says who they are
	}
	if outside && !b.traits.Outside {
		return true, notify.FromOutside("channel", what)
	}
	return outside, nil
}

func nameOf(c slack.Channel) string {
	if c.IsIM || c.IsMpIM {
		return ""
	}
	return c.Name
}

// place is where a list goes on: behind so many channels of a page of Slack's.
type place struct {
	Cursor string `json:"c"`
	Skip   int    `json:"s"`
}

// ListChannels lists channels whose name holds a text.
func (b *Backend) ListChannels(ctx context.Context, part string, p tools.Page) (notify.ChannelList, error) {
	list := notify.ChannelList{Channels: []notify.Channel{}}
	var from place
	if _, err := tools.DecodeCursor(p.Cursor, &from); err != nil {
		return list, err
	}
	if from.Skip < 0 {
		return list, tools.Errorf(tools.Invalid, "cursor: not a cursor this tool gave out. Leave it out to start from the first page, or pass next_cursor unchanged.")
	}
	for range mostPages {
		found, next, err := b.page(ctx, from.Cursor)
		if err != nil {
			return list, err
		}
		for i, c := range found {
			if i < from.Skip || !strings.Contains(c.Name, part) {
				continue
			}
			if len(list.Channels) == p.Size() {
				list.NextCursor = tools.EncodeCursor(place{from.Cursor, i})
				return list, nil
			}
			list.Channels = append(list.Channels, notify.Channel{ID: c.ID, Name: c.Name, Private: c.IsPrivate, Member: c.IsMember, Outside: shared(c)})
		}
		if from = (place{Cursor: next}); next == "" {
			return list, nil
		}
	}
	list.NextCursor = tools.EncodeCursor(from)
	return list, nil
}
