package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What the contract says of numbers that nobody has set, each in a test of its own.

// defaultsTo compares a default with the contract's number.
func defaultsTo(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s by default (-want +got):\n%s", what, diff)
	}
}

func TestING05_BodyOfTwentyFiveMebibytesMayBeAllowed(t *testing.T) {
	defaultsTo(t, "max_body", DefaultWebhook().MaxBody, 10*MiB)
	c, err := Parse("f", []byte(intake+"    max_body: 25MiB\n"), lookupIn(nil))
	if err != nil || c.Webhooks["shop"].MaxBody != 25*MiB {
		t.Errorf("max_body is %v (%v)", c.Webhooks["shop"].MaxBody, err)
	}
}

func TestING13_WindowIsFiveMinutesAndBetweenHalfAMinuteAndAnHour(t *testing.T) {
	defaultsTo(t, "tolerance", DefaultWebhook().Tolerance.Std(), 300*time.Second)
	for text, ok := range map[string]bool{"0s": false, "29s": false, "30s": true, "300s": true, "3600s": true, "3601s": false} {
		if _, err := Parse("f", []byte(intake+"    tolerance: "+text+"\n"), lookupIn(nil)); (err == nil) != ok {
			t.Errorf("tolerance %s: %v", text, err)
		}
	}
}

func TestING20_SchemasWarnUnlessSaidOtherwise(t *testing.T) {
	defaultsTo(t, "validate", DefaultWebhook().Validate, ValidateWarn)
}

func TestING25_RateIsAThousandASecond(t *testing.T) {
	defaultsTo(t, "rate", DefaultWebhook().Rate, 1000)
}

func TestING27_EventsAndRunsAreKeptForNinetyDays(t *testing.T) {
	kept := Default().Retention
	defaultsTo(t, "retention", []Age{kept.Events, kept.Runs, kept.Callbacks}, []Age{Age(90 * day), Age(90 * day), Age(90 * day)})
}

func TestING29_DiskHasToHaveFivePercentAndFiveHundredMebibytes(t *testing.T) {
	defaultsTo(t, "min_free", Default().Store.MinFree, 500*MiB)
	defaultsTo(t, "min_free_percent", Default().Store.MinFreePercent, 5)
}

func TestDEL04_ScheduleIsTheSpecifications(t *testing.T) {
	want := []time.Duration{0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
	for what, schedule := range map[string][]Duration{"of a callback": DefaultCallback().Schedule, "of requests": Default().Callbacks.Schedule} {
		var got []time.Duration
		for _, d := range schedule {
			got = append(got, d.Std())
		}
		defaultsTo(t, "schedule "+what, got, want)
	}
}

func TestDEL08_EndpointMayFailForFiveDays(t *testing.T) {
	defaultsTo(t, "disable_after", Default().Callbacks.DisableAfter.Std(), 120*time.Hour)
	defaultsTo(t, "disable_after_failures", Default().Callbacks.DisableAfterFailures, 0)
}

func TestDEL09_FourAttemptsAtOneEndpoint(t *testing.T) {
	defaultsTo(t, "callbacks.concurrency", Default().Callbacks.Concurrency, 4)
}

func TestDEL13_ReceiversAreNotObeyedUnasked(t *testing.T) {
	defaultsTo(t, "obey_receivers", Default().Callbacks.ObeyReceivers, false)
}

func TestRUN10_RunHasFifteenMinutes(t *testing.T) {
	defaultsTo(t, "budget.wall", DefaultAgent().Budget.Wall.Std(), 15*time.Minute)
}
