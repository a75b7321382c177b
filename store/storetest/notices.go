package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/server/retention"
)

func noticesAreOwedUntilTold(t *testing.T, h Harness) {
	ctx := t.Context()
	due := func() []guard.Notice {
		t.Helper()
		all, _, err := h.Store().DueNotices(ctx, 10)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	wanted := wants(h, 1, "k1")
	wanted.Notify = []string{"mail:ada@example.com", "webhook"}
	askFor(t, h, wanted)
	select {
	case <-h.Store().Wake(dispatch.Notices):
	default:
		t.Error("nobody was woken")
	}
	again := wants(h, 2, "k1")
	again.Notify = wanted.Notify
	askFor(t, h, again) // the same approval: nobody is told twice
	h.Restart(t)
	all := due()
	if want := []guard.Notice{{Approval: "apr_1", Target: "mail:ada@example.com"}, {Approval: "apr_1", Target: "webhook"}}; !slices.Equal(all, want) {
		t.Fatalf("due are %+v", all)
	}
	if err := h.Store().Notified(ctx, all[0], "", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := h.Store().Notified(ctx, all[1], "connection refused", h.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	all, next, err := h.Store().DueNotices(ctx, 10)
	if err != nil || len(all) != 0 || !next.Equal(h.Now().Add(time.Minute)) {
		t.Errorf("due are %+v, the next at %v (%v)", all, next, err)
	}
	h.Advance(time.Minute)
	if all := due(); len(all) != 1 || all[0].Target != "webhook" || all[0].Attempts != 1 {
		t.Errorf("due again are %+v", all)
	}
	says(t, h, "apr_1", boss, yes(h))
	if all := due(); len(all) != 0 {
		t.Errorf("somebody is still told of what was decided: %+v", all)
	}
}

func approvalsGoByAge(t *testing.T, h Harness) {
	for n, key := range []string{"a", "b"} {
		wanted := wants(h, n, key)
		wanted.Notify = []string{"webhook"}
		askFor(t, h, wanted)
		h.Advance(40 * oneDay)
	}
	due := retention.Due{Now: h.Now(), Before: h.Now().Add(-60 * oneDay)}
	if got := steps(t, h, retention.Approvals, due, 5); got[0].Rows != 1 {
		t.Errorf("steps over approvals: %+v", got)
	}
	all, err := h.Store().ListApprovals(t.Context(), guard.ApprovalFilter{}, "", 10)
	if err != nil || len(all) != 1 || all[0].ID != "apr_1" {
		t.Errorf("left are %+v (%v)", all, err)
	}
	notices, _, err := h.Store().DueNotices(t.Context(), 10)
	if err != nil || len(notices) != 1 {
		t.Errorf("left are the notices %+v (%v)", notices, err)
	}
}

func secretsAreMadeOnce(t *testing.T, h Harness) {
	const askers = 4
	secrets := make([]string, askers+2)
	get := func(i int, name string) {
		secret, err := h.Store().OwnSecret(t.Context(), name)
		if err != nil || len(secret) < 32 {
			t.Errorf("secret %q: %d bytes (%v)", name, len(secret), err)
		}
		secrets[i] = string(secret)
	}
	var all sync.WaitGroup
	for i := range askers {
		all.Go(func() { get(i, "links") })
	}
	all.Wait()
	h.Restart(t)
	get(askers, "links")
	if one := slices.Compact(slices.Clone(secrets[:askers+1])); len(one) != 1 {
		t.Error("the secret was not the same for all")
	}
	if get(askers+1, "others"); secrets[askers+1] == secrets[0] {
		t.Error("two uses share a secret")
	}
}
