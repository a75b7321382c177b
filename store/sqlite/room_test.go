package sqlite

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"

	"drawbridge/store/state"
)

func TestING29_LeastIsBytesAndPercent(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		least state.Least
		space Space
		room  bool
	}{
		{state.Least{Bytes: 500 * mib, Percent: 5}, Space{600 * mib, 10_000 * mib}, true},
		{state.Least{Bytes: 500 * mib, Percent: 5}, Space{500 * mib, 10_000 * mib}, true},
		{state.Least{Bytes: 500 * mib, Percent: 5}, Space{500*mib - 1, 1000 * mib}, false},
		{state.Least{Bytes: 500 * mib, Percent: 5}, Space{600 * mib, 13_000 * mib}, false},
		{state.Least{Bytes: 0, Percent: 5}, Space{5 * mib, 100 * mib}, true},
		{state.Least{Bytes: 0, Percent: 5}, Space{5*mib - 1, 100 * mib}, false},
		{state.Least{}, Space{0, 100 * mib}, true},
		{state.Least{Bytes: 0, Percent: 5}, Space{math.MaxInt64 / 2, math.MaxInt64}, true},
	} {
		if why := missing(c.least, c.space); (why == nil) != c.room {
			t.Errorf("%+v of %+v: %v", c.least, c.space, why)
		}
	}
}

func TestING29_WantOfRoomIsSaidOnceAndSoIsItsEnd(t *testing.T) {
	s := openStore(t)
	var log bytes.Buffer
	w := roomWatch{DB: s.DB, least: state.Least{Bytes: math.MaxInt64}, log: slog.New(slog.NewTextHandler(&log, nil))}
	for range 3 {
		w.look(false)
	}
	var why *NoRoom
	if err := s.Room(); !errors.As(err, &why) || !strings.Contains(why.Public(), "free") {
		t.Errorf("Room gives %v, want the reason", err)
	}
	w.least = state.Least{}
	for range 3 {
		w.look(false)
	}
	if err := s.Room(); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if text := log.String(); strings.Count(text, "level=ERROR") != 1 || strings.Count(text, "level=INFO") != 1 || strings.Count(text, "\n") != 2 {
		t.Errorf("log:\n%s", text)
	}
}

// A quota, or an inode table that is full, does not show in the figures.
func TestING29_FullDiskIsBelievedWhateverItsFiguresSay(t *testing.T) {
	s := openStore(t)
	w := roomWatch{DB: s.DB, log: slog.New(slog.DiscardHandler)}
	w.look(true)
	if s.Room() == nil {
		t.Error("a write found the disk full, and there is room")
	}
	w.look(false)
	if err := s.Room(); err != nil {
		t.Errorf("the next look does not let a write try: %v", err)
	}
	s.room.noteFull(context.Canceled)
	if err := s.Room(); err != nil {
		t.Errorf("another fault is taken for a full disk: %v", err)
	}
}
