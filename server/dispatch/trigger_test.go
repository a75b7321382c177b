package dispatch_test

import (
	"testing"

	"drawbridge/server/dispatch"
)

func TestFollowUpOfAFollowUpKeepsItsTrigger(t *testing.T) {
	source := dispatch.FromSchedule + dispatch.FollowUpPrefix + "1"
	for _, owner := range []string{"webhook:shop", "schedule:nightly", "key:desk", ""} {
		if got := dispatch.OwnerOfFollowUps(owner, source); got != owner {
			t.Errorf("of %q it becomes %q", owner, got)
		}
	}
}
