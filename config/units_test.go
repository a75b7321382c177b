package config

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDurationIsReadWithItsUnits(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0":            0,
		"0s":           0,
		"90s":          90 * time.Second,
		"5m":           5 * time.Minute,
		"36h":          36 * time.Hour,
		"30d":          30 * 24 * time.Hour,
		"2w":           14 * 24 * time.Hour,
		"1h30m":        90 * time.Minute,
		"1d12h":        36 * time.Hour,
		"1.5h":         90 * time.Minute,
		"0.5d":         12 * time.Hour,
		"250ms":        250 * time.Millisecond,
		"7us":          7 * time.Microsecond,
		"9ns":          9 * time.Nanosecond,
		"0.000000001s": time.Nanosecond,
	} {
		got, err := ParseDuration(text)
		if err != nil || got.Std() != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestDurationRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{
		"", " ", "5", "5 m", " 5m", "5m ", "m", "-5m", "+5m", "5M", "5min", "5y", "1h30", ".5h", "5.h", "1e3s", "٣s", "5m-3s",
		"1000000000000000000w", strings.Repeat("9", 30) + "s", "300000d", "0.5ns",
	} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
}

func TestDurationIsWrittenAsPeopleSayIt(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "90ms": 90 * time.Millisecond, "1m30s": 90 * time.Second, "5m": 5 * time.Minute,
		"36h": 36 * time.Hour, "2d": 48 * time.Hour, "30d": 30 * day, "7d": 7 * day, "25h": 25 * time.Hour,
	} {
		if got := Duration(d).String(); got != want {
			t.Errorf("String of %v = %q, want %q", d, got, want)
		}
	}
}

func TestDurationReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "nanoseconds"))
		if got, err := ParseDuration(d.String()); err != nil || got != d {
			t.Fatalf("%q became %d, %v; want %d", d.String(), got, err, d)
		}
	})
}

func TestSizeTellsBinaryUnitsFromDecimal(t *testing.T) {
	for text, want := range map[string]Size{
		"0":        0,
		"1234":     1234,
		"12B":      12,
		"1KiB":     1024,
		"512KiB":   512 * 1024,
		"10MiB":    10 * 1024 * 1024,
		"10 MiB":   10 * 1024 * 1024,
		"1GiB":     1 << 30,
		"1kB":      1000,
		"1KB":      1000,
		"10MB":     10_000_000,
		"2GB":      2_000_000_000,
		"1.5MiB":   1.5 * 1024 * 1024,
		"0.5KiB":   512,
		"1.000 MB": 1_000_000,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestSizeRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{
		"", "MiB", "-1", "+1", "10M", "10m", "10mb", "10Mib", "10K", "10TB", "10  MiB", " 10MiB", "1e6", "0x10", "1,000",
		"0.5", "0.1KiB", "99999999999GiB", strings.Repeat("9", 40),
	} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", text, got)
		}
	}
}

func TestSizeReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]Size{1, KiB, MiB, GiB}).Draw(t, "unit")
		s := Size(rapid.Int64Range(0, math.MaxInt64/int64(unit)).Draw(t, "count")) * unit
		if got, err := ParseSize(s.String()); err != nil || got != s {
			t.Fatalf("%q became %d, %v; want %d", s.String(), got, err, s)
		}
	})
	if got := (10 * MiB).String(); got != "10MiB" {
		t.Errorf("got %q, want 10MiB", got)
	}
}

// What cannot be read may be a secret in the wrong place.
func TestUnitErrorsDoNotRepeatTheText(t *testing.T) {
	for name, read := range map[string]func(string) error{
		"duration": func(s string) error { _, err := ParseDuration(s); return err },
		"size":     func(s string) error { _, err := ParseSize(s); return err },
		"money":    func(s string) error { _, err := ParseMoney(s); return err },
	} {
		for _, text := range []string{quiet, "5" + quiet, "5m" + quiet} {
			if err := read(text); err == nil || strings.Contains(err.Error(), quiet) {
				t.Errorf("%s of %q: %v", name, text, err)
			}
		}
	}
}
