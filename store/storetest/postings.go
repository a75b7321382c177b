package storetest

import (
	"slices"
	"testing"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
)

// duePostings gives the messages that are due, and when the next one is.
func duePostings(t *testing.T, h Harness) ([]guard.Posting, time.Time) {
	t.Helper()
	all, next, err := h.Store().DuePostings(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	return all, next
}

// posted has apr_1 asked for, and a message about it posted.
func posted(t *testing.T, h Harness) guard.Posting {
	t.Helper()
	wanted := wants(h, 1, "k1")
	wanted.Notify = []string{"slack:C1", "mail:ada@example.com"}
	wanted.Terms.Count = 2
	askFor(t, h, wanted)
	if err := h.Store().Posted(t.Context(), guard.Notice{Approval: "apr_1", Target: "slack:C1"}, guard.Posting{Approval: "apr_1", Target: "slack:C1", ID: "1.2", Shown: "first"}); err != nil {
		t.Fatal(err)
	}
	due, _, err := h.Store().DueNotices(t.Context(), 10)
	if err != nil || !slices.Equal(due, []guard.Notice{{Approval: "apr_1", Target: "mail:ada@example.com"}}) {
		t.Errorf("owed are %+v (%v)", due, err)
	}
	return guard.Posting{Approval: "apr_1", Target: "slack:C1", ID: "1.2", Shown: "first"}
}

func reposted(t *testing.T, h Harness, p guard.Posting, r guard.Reposted) {
	t.Helper()
	if err := h.Store().Reposted(t.Context(), p, r); err != nil {
		t.Fatal(err)
	}
}

// nothingToChange wants no message to be due, and the next one at a time.
func nothingToChange(t *testing.T, h Harness, next time.Time) {
	t.Helper()
	if all, at := duePostings(t, h); len(all) != 0 || !at.Equal(next) {
		t.Errorf("due are %+v, the next at %v, want none and %v", all, at, next)
	}
}

func postingFollowsItsApproval(t *testing.T, h Harness) {
	want := posted(t, h)
	h.Restart(t)
	// It is looked at once in any case: the approval may have changed while it was posted.
	all, _ := duePostings(t, h)
	if len(all) != 1 || all[0].Stands == "" {
		t.Fatalf("due are %+v", all)
	}
	if want.Stands = all[0].Stands; all[0] != want {
		t.Errorf("due is %+v, want %+v", all[0], want)
	}
	reposted(t, h, all[0], guard.Reposted{Shown: "first"})
	expires := h.Now().Add(time.Hour)
	nothingToChange(t, h, expires)
	for len(h.Store().Wake(dispatch.Notices)) > 0 {
		<-h.Store().Wake(dispatch.Notices)
	}
	h.Advance(time.Minute)
	says(t, h, "apr_1", boss, yes(h)) // one of two
	select {
	case <-h.Store().Wake(dispatch.Notices):
	default:
		t.Error("the decision woke nobody who changes messages")
	}
	all, _ = duePostings(t, h)
	if len(all) != 1 || all[0].Stands == want.Stands || all[0].Shown != "first" {
		t.Fatalf("behind the first decision due are %+v", all)
	}
	// A decision while the message is changed makes it due again.
	says(t, h, "apr_1", guard.Decider{Name: "key:boss2", How: "api"}, no(h))
	reposted(t, h, all[0], guard.Reposted{Shown: "second"})
	again, _ := duePostings(t, h)
	if len(again) != 1 || again[0].Shown != "second" || again[0].Stands == all[0].Stands {
		t.Fatalf("behind the second decision due are %+v", again)
	}
	reposted(t, h, again[0], guard.Reposted{Over: true})
	nothingToChange(t, h, time.Time{})
	h.Restart(t)
	nothingToChange(t, h, time.Time{})
}

func postingIsDueWhenItsApprovalExpires(t *testing.T, h Harness) {
	posted(t, h)
	all, _ := duePostings(t, h)
	expires := h.Now().Add(time.Hour)
	reposted(t, h, all[0], guard.Reposted{Shown: "first"})
	h.Advance(time.Hour - time.Millisecond)
	nothingToChange(t, h, expires)
	h.Advance(time.Millisecond)
	if all, _ = duePostings(t, h); len(all) != 1 {
		t.Fatalf("due are %+v", all)
	}
	// What cannot be changed now is due again at its time, and not before.
	reposted(t, h, all[0], guard.Reposted{Problem: "busy", Next: h.Now().Add(20 * time.Second)})
	nothingToChange(t, h, h.Now().Add(20*time.Second))
	h.Advance(20 * time.Second)
	if all, _ = duePostings(t, h); len(all) != 1 || all[0].Attempts != 1 {
		t.Errorf("due again are %+v", all)
	}
}

func postingThatWasFoundIsKeptOnce(t *testing.T, h Harness) {
	first := posted(t, h)
	all, _ := duePostings(t, h)
	reposted(t, h, all[0], guard.Reposted{Shown: "first"})
	found := guard.Posting{Approval: "apr_1", Target: "slack:C1", ID: "9.9"}
	for range 2 {
		for _, p := range []guard.Posting{found, first, {Approval: "apr_nonesuch", Target: "slack:C1", ID: "9.9"}} {
			if err := h.Store().KeepPosting(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
	}
	if all, _ = duePostings(t, h); len(all) != 1 || all[0].ID != "9.9" || all[0].Shown != "" {
		t.Errorf("due are %+v", all)
	}
}
