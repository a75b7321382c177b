package openai

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func half() float64 { return 0.5 }

// told are the headers of an answer.
func told(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set("X-Ratelimit-"+pairs[i], pairs[i+1])
	}
	return h
}

// waits admits n requests at once and gives the wait of each, -1 for one turned away.
func (p *pace) waits(now time.Time, n, tokens int, most time.Duration) []time.Duration {
	var out []time.Duration
	for range n {
		wait, refused := p.admit(now, tokens, most)
		if refused != nil {
			wait = -1
		}
		out = append(out, wait)
	}
	return out
}

func seconds(of ...float64) []time.Duration {
	var out []time.Duration
	for _, s := range of {
		out = append(out, time.Duration(s*float64(time.Second)).Round(time.Millisecond))
	}
	return out
}

func rounded(waits []time.Duration) []time.Duration {
	for i := range waits {
		if waits[i] > 0 {
			waits[i] = waits[i].Round(time.Millisecond)
		}
	}
	return waits
}

func TestRequestsKeepToTheLimitAMinute(t *testing.T) {
	p := newPace(60, 0, half)
	if got, want := rounded(p.waits(noon, 5, 1, 3*time.Second)), seconds(0, 1, 2, 3, -1e-9); !slices.Equal(got[:4], want[:4]) || got[4] != -1 {
		t.Errorf("waits %v", got)
	}
	if got := p.waits(noon.Add(10*time.Second), 2, 1, 3*time.Second); !slices.Equal(rounded(got), seconds(0, 1)) {
		t.Errorf("waits %v after a pause", got)
	}
}

func TestRequestsTurnedAwayAreToldDifferentTimes(t *testing.T) {
	p := newPace(60, 0, half)
	p.waits(noon, 3, 1, 2*time.Second)
	for want := 3 * time.Second; want < 9*time.Second; want += time.Second {
		_, e := p.admit(noon, 1, 2*time.Second)
		if e == nil || e.Kind != Transient || e.Reason != RateLimited || e.RetryAfter.Round(time.Millisecond) != want {
			t.Errorf("told %+v, want a wait of %v", e, want)
		}
	}
}

func TestTokensKeepToTheLimitAMinute(t *testing.T) {
	p := newPace(0, 6000, half) // 100 a second, 1,000 saved up
	if got := rounded(p.waits(noon, 3, 600, time.Minute)); !slices.Equal(got, seconds(0, 2, 8)) {
		t.Errorf("waits %v", got)
	}
	// It was less than it had been taken for.
	p.correct(noon, -700)
	if got := rounded(p.waits(noon, 1, 600, time.Minute)); !slices.Equal(got, seconds(7)) {
		t.Errorf("waits %v", got)
	}
}

func TestRequestLargerThanWhatIsEverFreeGoesThrough(t *testing.T) {
	p := newPace(0, 600, half) // 10 a second, 100 saved up
	if got := p.waits(noon, 1, 10_000, 0); !slices.Equal(got, seconds(0)) {
		t.Errorf("waits %v", got)
	}
	if got := rounded(p.waits(noon, 1, 10, time.Hour)); !slices.Equal(got, seconds(991)) {
		t.Errorf("the next one waits %v for the debt", got)
	}
}

func TestLimitTheServerToldIsHeeded(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		after  time.Duration // since it was told
		want   []time.Duration
	}{
		"plenty":           {told("Limit-Requests", "100", "Remaining-Requests", "50", "Reset-Requests", "30s"), 0, seconds(0, 0, 0)},
		"little is spread": {told("Limit-Requests", "100", "Remaining-Requests", "10", "Reset-Requests", "30s"), 0, seconds(0, 3, 6)},
		"one":              {told("Limit-Requests", "100", "Remaining-Requests", "1", "Reset-Requests", "30s"), 0, seconds(0, 30, 30)},
		"none":             {told("Limit-Requests", "100", "Remaining-Requests", "0", "Reset-Requests", "30s"), 0, seconds(30, 30, 30)},
		"none, later":      {told("Limit-Requests", "100", "Remaining-Requests", "0", "Reset-Requests", "30s"), 20 * time.Second, seconds(10, 10, 10)},
		"after the reset":  {told("Limit-Requests", "100", "Remaining-Requests", "0", "Reset-Requests", "30s"), 30 * time.Second, seconds(0, 0, 0)},
		"for hours":        {told("Remaining-Requests", "0", "Reset-Requests", "8h"), 0, seconds(300, 300, 300)},
		"tokens":           {told("Limit-Tokens", "5000", "Remaining-Tokens", "250", "Reset-Tokens", "10s"), 0, seconds(0, 4, 10)},
		"both":             {told("Remaining-Tokens", "0", "Reset-Tokens", "10s", "Remaining-Requests", "0", "Reset-Requests", "20"), 0, seconds(20, 20, 20)},
		"without a reset":  {told("Remaining-Requests", "0"), 0, seconds(0, 0, 0)},
		"nonsense":         {told("Remaining-Requests", "-4", "Reset-Requests", "soon", "Remaining-Tokens", "many", "Reset-Tokens", "1s"), 0, seconds(0, 0, 0)},
		"less than none":   {told("Remaining-Requests", "-4", "Reset-Requests", "30s"), 0, seconds(0, 0, 0)},
		"no limit told":    {told("Remaining-Requests", "2", "Reset-Requests", "30s"), 0, seconds(0, 0, 30)},
		"nothing":          {http.Header{}, 0, seconds(0, 0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPace(0, 0, half)
			p.learn(noon, c.header)
			if got := rounded(p.waits(noon.Add(c.after), 3, 100, time.Hour)); !slices.Equal(got, c.want) {
				t.Errorf("waits %v, want %v", got, c.want)
			}
		})
	}
}

func TestPauseTheServerAskedForHoldsEverybody(t *testing.T) {
	p := newPace(0, 0, half)
	p.hold(noon, &Error{Kind: Transient, Reason: OutOfQuota, Message: "pay", RetryAfter: time.Hour})
	p.hold(noon, &Error{Kind: Transient, Reason: Unavailable, Message: "soon", RetryAfter: time.Minute})
	if _, e := p.admit(noon, 1, time.Minute); e == nil || e.Reason != OutOfQuota || e.Message != "pay" || e.RetryAfter != longestHold {
		t.Errorf("%+v", e)
	}
	// Those who wait for its end do not all come at once.
	if got := p.waits(noon.Add(longestHold-time.Second), 1, 1, time.Minute); !slices.Equal(got, seconds(1.25)) {
		t.Errorf("waits %v", got)
	}
	if got := p.waits(noon.Add(longestHold), 1, 1, 0); !slices.Equal(got, seconds(0)) {
		t.Errorf("waits %v after it", got)
	}
}

// Whatever servers say and callers do, no wait that is granted is longer than was
// allowed, and none that is refused is shorter, or longer than the bounds have it.
func TestWaitsAreWithinTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPace(rapid.IntRange(0, 1000).Draw(t, "requests"), rapid.IntRange(0, 100_000).Draw(t, "tokens"), half)
		now := noon
		number := rapid.SampledFrom([]string{"", "0", "1", "7", "1000", "-1", "1e9", "x", "99999999999999999999"})
		reset := rapid.SampledFrom([]string{"", "0", "1s", "6m0s", "120ms", "1h", "1e30", "-5s", "2026-01-02T12:00:30Z", "1767355230", "NaN", "Inf"})
		t.Repeat(map[string]func(*rapid.T){
			"time": func(t *rapid.T) { now = now.Add(time.Duration(rapid.Int64Range(0, 1e11).Draw(t, "ns"))) },
			"learn": func(t *rapid.T) {
				p.learn(now, told("Limit-Requests", number.Draw(t, "limit"), "Remaining-Requests", number.Draw(t, "left"), "Reset-Requests", reset.Draw(t, "reset"),
					"Remaining-Tokens", number.Draw(t, "tokens left"), "Reset-Tokens", reset.Draw(t, "tokens reset")))
			},
			"hold": func(t *rapid.T) {
				p.hold(now, &Error{RetryAfter: time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "after"))})
			},
			"correct": func(t *rapid.T) { p.correct(now, rapid.IntRange(-1000, 1000).Draw(t, "by")) },
			"admit": func(t *rapid.T) {
				most := time.Duration(rapid.Int64Range(0, 2e10).Draw(t, "most"))
				wait, e := p.admit(now, rapid.IntRange(0, 5000).Draw(t, "size"), most)
				if e == nil && (wait < 0 || wait > most) {
					t.Fatalf("waits %v, allowed %v", wait, most)
				}
				if e != nil && (e.RetryAfter <= most || e.RetryAfter > 24*time.Hour) {
					t.Fatalf("told to come after %v, allowed %v", e.RetryAfter, most)
				}
			},
		})
	})
}

func TestResetIsReadInAllItsForms(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"1s": time.Second, "6m0s": 5 * time.Minute, "4m30s": 270 * time.Second, "120ms": 120 * time.Millisecond, "12": 12 * time.Second, "0.5": 500 * time.Millisecond, " 3s ": 3 * time.Second,
		"2026-01-02T12:00:30Z": 30 * time.Second, "Fri, 02 Jan 2026 12:00:30 GMT": 30 * time.Second, "1767355230": 30 * time.Second, "1767355230000": 30 * time.Second,
		"1e300": 5 * time.Minute, "Inf": 5 * time.Minute, "0": 0,
		"": -1, "soon": -1, "-3s": -1, "-3": -1, "2020-01-01T00:00:00Z": -1,
	} {
		got, ok := resetIn(value, noon)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func TestBackoffIsAnythingUpToABoundThatDoubles(t *testing.T) {
	for n, want := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 3: 2 * time.Second, 5: 8 * time.Second, 6: 8 * time.Second, 1000: 8 * time.Second} {
		if least, most := backoff(n, 0), backoff(n, 0.999999); least != 0 || most > want || most < want*99/100 {
			t.Errorf("attempt %d: %v to %v, want 0 to %v", n, least, most, want)
		}
	}
}
