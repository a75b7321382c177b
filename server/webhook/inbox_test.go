package webhook_test

import (
	"context"
	"sync"

	"drawbridge/server/webhook"
)

// memoryInbox keeps events in memory: it dedupes as an inbox must, and promises
// nothing about disks.
type memoryInbox struct {
	mu         sync.Mutex
	first      map[[2]string]string // source and key to the first event's id
	events     []webhook.Event
	raw        [][]byte // of deliveries that were several events
	rejections []webhook.Rejection

	acceptErr, rejectErr error
	// stuck makes Accept wait for the end of its context.
	stuck bool
}

var _ webhook.Inbox = (*memoryInbox)(nil)

func (m *memoryInbox) Accept(ctx context.Context, b webhook.Batch) ([]webhook.Receipt, error) {
	if m.stuck {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.acceptErr != nil {
		return nil, m.acceptErr
	}
	if m.first == nil {
		m.first = map[[2]string]string{}
	}
	if b.Raw != nil {
		m.raw = append(m.raw, b.Raw)
	}
	receipts := make([]webhook.Receipt, len(b.Events))
	for i, e := range b.Events {
		key := [2]string{e.Source, e.Key}
		id, known := m.first[key]
		if !known {
			id, m.first[key] = e.ID, e.ID
			m.events = append(m.events, e)
		}
		receipts[i] = webhook.Receipt{ID: id, Duplicate: known}
	}
	return receipts, nil
}

func (m *memoryInbox) Reject(ctx context.Context, r webhook.Rejection) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.rejectErr != nil {
		return m.rejectErr
	}
	m.rejections = append(m.rejections, r)
	return nil
}

func (m *memoryInbox) stored() []webhook.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.events
}

func (m *memoryInbox) refused() []webhook.Rejection {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rejections
}
