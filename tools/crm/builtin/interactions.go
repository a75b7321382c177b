package builtin

import (
	"context"
	"database/sql"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/sqldb"
)

var interactionList = list[crm.Interaction, int64]{
	name:   "interactions",
	query:  `SELECT id, customer_id, kind, summary, body, COALESCE(sentiment, ''), occurred_at, created_at FROM crm_interactions`,
	key:    "occurred_at",
	newest: true,
	scan:   scanInteraction,
	at:     func(i crm.Interaction) (int64, string) { return millis(i.OccurredAt), i.ID },
}

func scanInteraction(row scanner) (i crm.Interaction, err error) {
	var occurred, created sql.NullInt64
	err = row.Scan(&i.ID, &i.CustomerID, &i.Kind, &i.Summary, &i.Body, &i.Sentiment, &occurred, &created)
	i.OccurredAt, i.CreatedAt = moment(occurred), moment(created)
	return i, err
}

// LogInteraction records one interaction, which happened now if no time is given.
func (b *Backend) LogInteraction(ctx context.Context, in crm.InteractionDraft) (crm.Interaction, error) {
	return once(ctx, b, crm.LogInteractionTool, func(tx sqldb.Tx, at time.Time) (crm.Interaction, error) {
		owner, err := customer(ctx, tx, in.Customer)
		if err != nil {
			return crm.Interaction{}, err
		}
		id, err := newID("int")
		if err != nil {
			return crm.Interaction{}, err
		}
		i := crm.Interaction{
			ID: id, CustomerID: owner.ID, Kind: in.Kind, Summary: in.Summary, Body: in.Body,
			Sentiment: in.Sentiment, OccurredAt: stored(in.OccurredAt), CreatedAt: at,
		}
		if i.OccurredAt.IsZero() {
			i.OccurredAt = at
		}
		return i, insertInteraction(ctx, tx, i, "")
	})
}

func insertInteraction(ctx context.Context, tx sqldb.Tx, i crm.Interaction, onConflict string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO crm_interactions
		(id, customer_id, kind, summary, body, sentiment, occurred_at, created_at, idempotency_key)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`+onConflict,
		i.ID, i.CustomerID, string(i.Kind), i.Summary, i.Body, orNull(string(i.Sentiment)),
		millis(i.OccurredAt), millis(i.CreatedAt), orNull(tools.Key(ctx)))
	return err
}

// ListInteractions lists interactions, the latest to happen first.
func (b *Backend) ListInteractions(ctx context.Context, in crm.InteractionQuery) (crm.InteractionPage, error) {
	var where filter
	if err := where.ofCustomer(ctx, b.db.Read(), in.Customer); err != nil {
		return crm.InteractionPage{}, err
	}
	equal(&where, "kind", in.Kind)
	equal(&where, "sentiment", in.Sentiment)
	where.during("occurred_at", in.Since, in.Until)
	rows, next, err := interactionList.page(ctx, b.db.Read(), where, in.Page)
	return crm.InteractionPage{Interactions: rows, NextCursor: next}, err
}
