package builtin

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

// selectDetails is selectDisputes with what is kept for each.
var selectDetails = strings.Replace(selectDisputes, "c.email\n", "c.email, d.evidence, d.submitted_at\n", 1)

func scanDetails(row scanner) (payment.DisputeDetails, error) {
	var details payment.DisputeDetails
	var evidence string
	var submitted sql.NullInt64
	dispute, err := scanDispute(behind{row, []any{&evidence, &submitted}})
	if err != nil {
		return details, err
	}
	details.Dispute, details.SubmittedAt = dispute, nullMoment(submitted)
	if err := json.Unmarshal([]byte(evidence), &details.Evidence); err != nil {
		return details, fmt.Errorf("reading the evidence of dispute %s: %w", dispute.ID, err)
	}
	return details, nil
}

// behind is a row with more columns than its reader knows of.
type behind struct {
	scanner
	more []any
}

func (b behind) Scan(targets ...any) error { return b.scanner.Scan(append(targets, b.more...)...) }

// GetDispute finds a dispute by its id.
func (b *Backend) GetDispute(ctx context.Context, id string) (payment.DisputeDetails, error) {
	return disputeByID(ctx, b.db.Read(), id)
}

func disputeByID(ctx context.Context, db sqldb.Querier, id string) (payment.DisputeDetails, error) {
	details, err := scanDetails(db.QueryRowContext(ctx, selectDetails+` WHERE d.id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = payment.NoSuchDispute(id)
	}
	return details, err
}

// DraftEvidence keeps evidence with a dispute.
func (b *Backend) DraftEvidence(ctx context.Context, request payment.EvidenceRequest) (payment.DisputeDetails, error) {
	return sqldb.Once(ctx, b.db, b.now, payment.ToolDraftEvidence, func(tx sqldb.Tx) (payment.DisputeDetails, error) {
		return b.keep(ctx, tx, request)
	})
}

// SubmitEvidence marks the evidence given: no bank looks at it here.
func (b *Backend) SubmitEvidence(ctx context.Context, request payment.EvidenceRequest) (payment.DisputeDetails, error) {
	return sqldb.Once(ctx, b.db, b.now, payment.ToolSubmitEvidence, func(tx sqldb.Tx) (payment.DisputeDetails, error) {
		details, err := b.keep(ctx, tx, request)
		if err != nil {
			return details, err
		}
		if err := payment.CheckSubmit(details, details.Evidence); err != nil {
			return details, err
		}
		_, err = tx.ExecContext(ctx, `UPDATE payment_disputes SET status = 'under_review', respond_by = NULL, submitted_at = ? WHERE id = ?`,
			millis(b.now()), details.ID)
		if err != nil {
			return details, err
		}
		return disputeByID(ctx, tx, details.ID)
	})
}

func (b *Backend) keep(ctx context.Context, tx sqldb.Tx, request payment.EvidenceRequest) (payment.DisputeDetails, error) {
	details, err := disputeByID(ctx, tx, request.DisputeID)
	if err != nil {
		return details, err
	}
	if err := payment.CheckEvidence(details, b.now()); err != nil {
		return details, err
	}
	details.Evidence = request.Evidence.Over(details.Evidence)
	raw, err := json.Marshal(details.Evidence)
	if err != nil {
		return details, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE payment_disputes SET evidence = ? WHERE id = ?`, string(raw), details.ID)
	return details, err
}
