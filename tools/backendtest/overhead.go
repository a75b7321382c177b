package backendtest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Overhead says what ours costs beyond bare, at the median: one after the other, in turns, so
// that what else the machine does hits both. Both are done once before.
func Overhead(b *testing.B, ours, bare func() error) {
	b.Helper()
	timed := func(do func() error) time.Duration {
		start := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	timed(ours)
	timed(bare)
	var driver, plain []time.Duration
	for b.Loop() {
		driver, plain = append(driver, timed(ours)), append(plain, timed(bare))
	}
	slices.Sort(driver)
	slices.Sort(plain)
	median, least := driver[len(driver)/2], plain[len(plain)/2]
	b.ReportMetric(float64(median.Microseconds()), "µs-driver-p50")
	b.ReportMetric(float64(least.Microseconds()), "µs-bare-p50")
	b.ReportMetric(float64((median - least).Microseconds()), "µs-more-p50")
}

// Exchange is one request, as a bare client sends it.
type Exchange struct {
	Method, URL string
	Header      http.Header
	Body        string
}

// Bare makes the exchanges one after the other by a client with nothing around it, which
// keeps its connections.
func Bare(b *testing.B, exchanges ...Exchange) func() error {
	transport := &http.Transport{}
	b.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	return func() error {
		for _, e := range exchanges {
			request, err := http.NewRequestWithContext(context.Background(), e.Method, e.URL, strings.NewReader(e.Body))
			if err != nil {
				return err
			}
			request.Header = e.Header
			response, err := client.Do(request)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if err != nil || response.StatusCode >= http.StatusBadRequest {
				return fmt.Errorf("the bare exchange: %s, %w", response.Status, err)
			}
		}
		return nil
	}
}
