package hubspot

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/tools"
)

// most counts how many of some moments lie within a time of each other, at most.
func most(moments []time.Time, within time.Duration) int {
	n := 0
	for i, first := range moments {
		here := 0
		for _, at := range moments[i:] {
			if at.Sub(first) < within {
				here++
			}
		}
		n = max(n, here)
	}
	return n
}

func TestRequestsStayBelowWhatHubSpotTakes(t *testing.T) {
	for name, c := range map[string]struct {
		search bool
		within time.Duration
		most   int
		least  int
	}{
		"requests": {false, 10 * time.Second, 100, 90},
		"searches": {true, time.Second, 5, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, err := New(Settings{Token: "t", Client: &http.Client{}})
				if err != nil {
					t.Fatal(err)
				}
				moments := make(chan time.Time, 300)
				for range cap(moments) {
					go func() {
						if err := b.pace.wait(t.Context(), c.search); err != nil {
							t.Error(err)
						}
						moments <- time.Now()
					}()
				}
				var all []time.Time
				for range cap(moments) {
					all = append(all, <-moments)
				}
				if n := most(all, c.within); n > c.most || n < c.least {
					t.Errorf("%d within %s, want %d to %d", n, c.within, c.least, c.most)
				}
			})
		})
	}
}

// A call that has not the time to wait for its place is told so, and nothing is sent.
func TestCallThatCannotWaitForItsPlaceIsRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Settings{Token: "t", Client: &http.Client{}})
		if err != nil {
			t.Fatal(err)
		}
		for range DefaultPace * 2 {
			if err := b.pace.wait(t.Context(), false); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := b.pace.wait(ctx, false); tools.CodeOf(err) != tools.RateLimited {
			t.Errorf("got %v", err)
		}
	})
}

func TestLookForWordsIsAskedByTheMostTellingOne(t *testing.T) {
	for query, want := range map[string]string{
		"": "", "%": "", "漢字": "", "Ada Lindqvist": "lindqvist", "555 0101": "0101", "A-1002": "a", "cus_demo_9": "demo", "Åsa": "sa", "o'brien": "brien", "漢a": "a",
	} {
		if got := token(query); got != want {
			t.Errorf("%q is asked for by %q, want %q", query, got, want)
		}
	}
}

func TestMarkupIsReadAsItWasWritten(t *testing.T) {
	for _, text := range []string{"plain", "two\nlines", "a < b && c > d", `<b>not bold</b> &amp; "quoted"`, "tab\tand\n\n\nlines", "a <br> of words", "&lt;"} {
		if got := plain(markup(text)); got != text {
			t.Errorf("%q is read as %q", text, got)
		}
	}
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"<p>a</p>", "<", "<!--", "<script>", "&#x110000;", "a<b", "<br/><BR >", "\xff<", "1e999999999", "-12.505"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := plain(text); len(got) > 8*len(text)+8 {
			t.Errorf("%d bytes became %d", len(text), len(got))
		}
		minor(text, "EUR")
		moment(text)
		token(text)
	})
}
