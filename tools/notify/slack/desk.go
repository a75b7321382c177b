package slack

import (
	"context"
	"encoding/json"

	"github.com/slack-go/slack"
)

// block is one of Block Kit's, ready made.
type block struct {
	json.RawMessage
}

// BlockType and ID are of no use: what the block is stands in it.
func (block) BlockType() slack.MessageBlockType { return "" }
func (block) ID() string                        { return "" }

func laidOut(text string, blocks []json.RawMessage) slack.MsgOption {
	all := make([]slack.Block, len(blocks))
	for i, raw := range blocks {
		all[i] = block{raw}
	}
	return slack.MsgOptionCompose(slack.MsgOptionText(text, false), slack.MsgOptionBlocks(all...))
}

// Announce posts a message of blocks that were made here, and of a text for where those
// are not shown; the text is Slack's markup. It gives the message's id. The channel is the
// settings', which are not asked whether it is shared.
func (b *Backend) Announce(ctx context.Context, channel, text string, blocks []json.RawMessage) (id string, err error) {
	said, err := write(ctx, b, methodPost, channel, func(ctx context.Context, api *slack.Client) error {
		_, _, err := api.PostMessageContext(ctx, channel, laidOut(text, blocks), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
		return err
	})
	return said.TS, err
}

// Change puts other blocks into a message that [Backend.Announce] posted.
func (b *Backend) Change(ctx context.Context, channel, id, text string, blocks []json.RawMessage) error {
	_, err := write(ctx, b, methodUpdate, "", func(ctx context.Context, api *slack.Client) error {
		_, _, _, err := api.UpdateMessageContext(ctx, channel, id, laidOut(text, blocks))
		return err
	})
	return err
}

// Whisper says a text, of Slack's markup, to one person in a channel, which nobody else
// sees.
func (b *Backend) Whisper(ctx context.Context, channel, user, text string) error {
	_, err := write(ctx, b, methodWhisper, "", func(ctx context.Context, api *slack.Client) error {
		_, err := api.PostEphemeralContext(ctx, channel, user, slack.MsgOptionText(text, false))
		return err
	})
	return err
}
