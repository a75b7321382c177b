package notify

import (
	"context"
	"strings"

	"drawbridge/tools"
)

// FindInput is the input of notify_find_person.
type FindInput struct {
	Email string `json:"email" jsonschema:"The person's email address in the chat, whole." format:"email" minLength:"3" maxLength:"254" example:"ada@example.com"`
}

// ListInput is the input of notify_list_channels.
type ListInput struct {
	Name string `json:"name,omitempty" jsonschema:"Part of the channel's name. Leave out for all." maxLength:"80" example:"orders"`
	tools.Page
}

// ReadInput is the input of notify_read_thread.
type ReadInput struct {
	Channel  string `json:"channel" jsonschema:"The channel of the message: its name or, better, its id." minLength:"1" maxLength:"100" example:"C0123ABCD"`
	ThreadID string `json:"thread_id" jsonschema:"thread_id of the message, as its post returned it." minLength:"1" maxLength:"60" example:"1767225600.000100"`
	tools.Page
}

// FindPerson finds who has an address.
func (n *Notify) FindPerson(ctx context.Context, in FindInput) (Person, error) {
	email, err := address("email", in.Email)
	if err != nil {
		return Person{}, err
	}
	found, err := n.driver.FindPerson(ctx, email)
	if err != nil {
		return Person{}, readError(ToolFind, err)
	}
	if found.Email = email; found.Outside {
		found.Name = "" // it is what somebody outside chose to be called
	}
	return found, nil
}

// ListChannels lists the channels that there are.
func (n *Notify) ListChannels(ctx context.Context, in ListInput) (ChannelList, error) {
	in.Limit = in.Size()
	list, err := n.driver.ListChannels(ctx, strings.ToLower(strings.TrimPrefix(strings.TrimSpace(in.Name), "#")), in.Page)
	return list, readError(ToolList, err)
}

// ReadThread reads a message and what people answered.
func (n *Notify) ReadThread(ctx context.Context, in ReadInput) (Thread, error) {
	threads, ok := n.driver.(Threads)
	if !ok {
		return Thread{}, tools.Errorf(tools.Denied, "the chat configured here cannot be read")
	}
	channel, err := channelName(in.Channel)
	if err != nil {
		return Thread{}, err
	}
	id := strings.TrimSpace(in.ThreadID)
	if id == "" {
		return Thread{}, tools.Errorf(tools.Invalid, "thread_id: is empty; give that of the message.")
	}
	in.Limit = in.Size()
	thread, err := threads.ReadThread(ctx, channel, id, in.Page)
	return thread, readError(ToolRead, err)
}
