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
	rejections []webhook.Rejection

	acceptErr, rejectErr error
	// stuck makes Accept wait for the end of its context.
	stuck bool
}

var _ webhook.Inbox = (*memoryInbox)(nil)

func (m *memoryInbox) Accept(ctx context.Context, e webhook.Event) (webhook.Receipt, error) {
	if m.stuck {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return webhook.Receipt{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.acceptErr != nil {
		return webhook.Receipt{}, m.acceptErr
	}
	key := [2]string{e.Source, e.Key}
	if id, known := m.first[key]; known {
		return webhook.Receipt{ID: id, Duplicate: true}, nil
	}
	if m.first == nil {
		m.first = map[[2]string]string{}
	}
	m.first[key] = e.ID
	m.events = append(m.events, e)
	return webhook.Receipt{ID: e.ID}, nil
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
