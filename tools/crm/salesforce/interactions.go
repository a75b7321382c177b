package salesforce

import (
	"context"
	"time"

	"drawbridge/tools/crm"
)

func (b *Backend) interactionFields() []string {
	return selecting("Id", "WhoId", "AccountId", "Subject", "Description", "Type", "TaskSubtype", "ActivityDate", "CreatedDate",
		b.fields["interaction_at"], b.fields["interaction_sentiment"])
}

func (b *Backend) interaction(r record) crm.Interaction {
	i := crm.Interaction{
		ID: r.text("Id"), CustomerID: taskCustomer(r), Kind: crm.Note, Summary: r.text("Subject"), Body: r.text("Description"),
		Sentiment: crm.Sentiment(b.meant(sentiment, r.text(b.fields["interaction_sentiment"]))), OccurredAt: r.moment(b.field("interaction_at", "ActivityDate")),
		CreatedAt: r.moment("CreatedDate"),
	}
	if i.OccurredAt.IsZero() {
		i.OccurredAt = i.CreatedAt
	}
	switch meant := b.meant(interaction, r.text("Type")); {
	case meant != "":
		i.Kind = crm.Kind(meant)
	case r.text("TaskSubtype") == "Call":
		i.Kind = crm.Call
	case r.text("TaskSubtype") == "Email":
		i.Kind = crm.Email
	}
	return i
}

// ofKind finds what interaction reads as a kind: the type says it, or what made the task.
func (b *Backend) ofKind(kind crm.Kind) string {
	named, otherwise := "", ""
	if all := b.values[interaction][string(kind)]; len(all) > 0 {
		named = oneOf("Type", all)
	}
	untold := either("Type = null", noneOf("Type", b.known(interaction)))
	switch kind {
	case crm.Call:
		otherwise = both("TaskSubtype = 'Call'", untold)
	case crm.Email:
		otherwise = both("TaskSubtype = 'Email'", untold)
	case crm.Note:
		otherwise = both(either("TaskSubtype = null", "TaskSubtype NOT IN ('Call', 'Email')"), untold)
	case crm.Meeting, crm.Review:
		if named == "" {
			return "Id = null"
		}
	}
	return either(named, otherwise)
}

// ListInteractions lists completed tasks that are about a customer, the latest first.
func (b *Backend) ListInteractions(ctx context.Context, in crm.InteractionQuery) (crm.InteractionPage, error) {
	where := conditions{"IsClosed = true"}
	if in.Customer == "" {
		where.and(either("Who.Type = 'Contact'", "AccountId != null"))
	}
	if err := b.ofCustomer(ctx, &where, in.Customer, "WhoId", "AccountId"); err != nil {
		return crm.InteractionPage{}, err
	}
	if in.Kind != "" {
		where.and(b.ofKind(in.Kind))
	}
	if in.Sentiment != "" {
		field := b.fields["interaction_sentiment"]
		if field == "" {
			return crm.InteractionPage{}, noField("sentiment", "interaction_sentiment")
		}
		stored, err := b.picked(sentiment, "sentiment", string(in.Sentiment))
		if err != nil {
			return crm.InteractionPage{}, err
		}
		where.is(field, stored)
	}
	at := b.timeOf("interaction_at", "ActivityDate")
	at.during(&where, in.Since, in.Until)
	list := listing[crm.Interaction]{name: "interactions", object: "Task", fields: b.interactionFields(), key: at.name, kind: at.kind(), newest: true, absent: true, scan: b.interaction}
	found, next, err := list.page(ctx, b, where, in.Page)
	return crm.InteractionPage{Interactions: found, NextCursor: next}, err
}

// LogInteraction makes a task that is completed.
func (b *Backend) LogInteraction(ctx context.Context, in crm.InteractionDraft) (crm.Interaction, error) {
	if made, err := b.before(ctx, crm.LogInteractionTool, b.interactionFields()); made != nil || err != nil {
		return shown(made, err, b.interaction)
	}
	who, err := b.owner(ctx, in.Customer)
	if err != nil {
		return crm.Interaction{}, err
	}
	body := map[string]any{"Subject": in.Summary}
	who.about(body)
	put(body, "Description", in.Body)
	if body["Status"], err = b.picked(taskStatus, "status", string(crm.DoneTask)); err != nil {
		return crm.Interaction{}, err
	}
	if body["Type"], err = b.picked(interaction, "kind", string(in.Kind)); err != nil {
		return crm.Interaction{}, err
	}
	switch in.Kind {
	case crm.Call:
		body["TaskSubtype"] = "Call"
	case crm.Email:
		body["TaskSubtype"] = "Email"
	}
	at := in.OccurredAt
	if at.IsZero() {
		at = b.now().Truncate(time.Second)
	}
	body["ActivityDate"] = date(at)
	if field := b.fields["interaction_at"]; field != "" {
		body[field] = instant(at)
	}
	if in.Sentiment != "" {
		field := b.fields["interaction_sentiment"]
		if field == "" {
			return crm.Interaction{}, noField("sentiment", "interaction_sentiment")
		}
		if body[field], err = b.picked(sentiment, "sentiment", string(in.Sentiment)); err != nil {
			return crm.Interaction{}, err
		}
	}
	made, err := b.create(ctx, crm.LogInteractionTool, nil, body, b.interactionFields())
	return shown(made, err, b.interaction)
}
