package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	sqlitelib "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"drawbridge/store/state"
)

// roomEvery is how often the free space of the disk is measured.
const roomEvery = 3 * time.Second

// Space is what a disk has, in bytes.
type Space struct{ Free, Total int64 }

// NoRoom says that the disk is full, or soon.
type NoRoom struct{ Reason string }

func (e *NoRoom) Error() string { return e.Reason }

// Public is what whoever asks for the server's health may know.
func (e *NoRoom) Public() string { return e.Reason }

var errFull = &NoRoom{"the disk of the store is full: a write found no room"}

// room is the last word on the disk.
type room struct {
	why    atomic.Pointer[NoRoom] // nil: there is room
	filled chan struct{}          // a write found the disk full
}

func newRoom() room { return room{filled: make(chan struct{}, 1)} }

// Room is nil while the disk has the room that WatchRoom was told to ask for, and a
// *[NoRoom] while it has not. It costs nothing to ask.
func (d *DB) Room() error {
	if why := d.room.why.Load(); why != nil {
		return why
	}
	return nil
}

// WatchRoom measures the disk every few seconds until ctx ends, so that the disk is
// never asked on behalf of a sender; at once when a write has found it full. What it
// finds is logged when it changes.
func (d *DB) WatchRoom(ctx context.Context, least state.Least, log *slog.Logger) {
	ticker := time.NewTicker(roomEvery)
	defer ticker.Stop()
	w := roomWatch{DB: d, least: least, log: log}
	w.look(false)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.look(false)
		case <-d.room.filled:
			w.look(true)
		}
	}
}

type roomWatch struct {
	*DB
	least state.Least
	log   *slog.Logger
	said  bool // that there is no room
}

// look measures the disk. full: a write has just failed for want of room, whatever the
// figures say (a quota does not show in them). The next look believes the figures
// again, and so lets the next write try.
func (w *roomWatch) look(full bool) {
	now, err := spaceAt(filepath.Dir(w.path))
	if err != nil && !full {
		w.log.Warn("could not measure the disk of the store", "store", w.path, "err", err)
		return
	}
	why := missing(w.least, now)
	if full && (err != nil || why == nil) {
		why = errFull
	}
	w.room.why.Store(why)
	switch no := why != nil; {
	case no && !w.said:
		w.log.Error("accepting no events: their senders are asked to come back", "store", w.path, "reason", why.Reason,
			"free", now.Free, "total", now.Total)
	case !no && w.said:
		w.log.Info("accepting events again", "store", w.path, "free", now.Free, "total", now.Total)
	}
	w.said = why != nil
}

// missing says what there is too little of; nil if there is enough.
func missing(l state.Least, s Space) *NoRoom {
	switch {
	case s.Free < l.Bytes:
		return &NoRoom{fmt.Sprintf("%d MiB of the store's disk are free, %d MiB have to be", s.Free>>20, l.Bytes>>20)}
	case s.Total > 0 && l.Percent > 0 && float64(s.Free)*100 < float64(l.Percent)*float64(s.Total):
		return &NoRoom{fmt.Sprintf("%.1f %% of the store's disk are free, %d %% have to be", float64(s.Free)*100/float64(s.Total), l.Percent)}
	}
	return nil
}

// noteFull has the disk looked at when a write failed because there was no room.
func (r *room) noteFull(err error) {
	var code *sqlitelib.Error
	if !errors.As(err, &code) || code.Code()&0xff != sqlite3.SQLITE_FULL {
		return
	}
	r.why.CompareAndSwap(nil, errFull)
	select {
	case r.filled <- struct{}{}:
	default: // it is about to be looked at
	}
}
