package config

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The errors of this file say what was expected and never repeat the text: it may
// have come from the environment, and be a secret in the wrong place.

// Duration is a span of time, never negative. In a file it is numbers with units:
// 90s, 1h30m, 36h, 30d. A day is 24 hours and a week is 7 days.
type Duration time.Duration

// Std is d for the standard library.
func (d Duration) Std() time.Duration { return time.Duration(d) }

const day = 24 * time.Hour

// durationUnits, the largest first.
var durationUnits = []struct {
	name string
	span time.Duration
}{
	{"w", 7 * day}, {"d", day}, {"h", time.Hour}, {"m", time.Minute},
	{"s", time.Second}, {"ms", time.Millisecond}, {"us", time.Microsecond}, {"ns", time.Nanosecond},
}

var errDuration = errors.New("want a number with a unit (ms, s, m, h, d or w), such as 90s, 1h30m or 30d")

var durationPart = regexp.MustCompile(`^(\d{1,19}(?:\.\d{1,9})?)([a-z]+)`)

// ParseDuration reads a duration. A plain 0 needs no unit.
func ParseDuration(text string) (Duration, error) {
	if text == "0" {
		return 0, nil
	}
	total := new(big.Rat)
	for rest := text; ; {
		part := durationPart.FindStringSubmatch(rest)
		if part == nil {
			return 0, errDuration
		}
		unit, known := durationUnit(part[2])
		if !known {
			return 0, errDuration
		}
		total.Add(total, scaled(part[1], int64(unit)))
		if rest = rest[len(part[0]):]; rest == "" {
			break
		}
	}
	span, whole := wholeNumber(total)
	if !whole {
		return 0, errors.New("want at most 292 years, in whole nanoseconds")
	}
	return Duration(span), nil
}

func durationUnit(name string) (time.Duration, bool) {
	for _, unit := range durationUnits {
		if unit.name == name {
			return unit.span, true
		}
	}
	return 0, false
}

// scaled is the decimal number times a unit, exactly. number was checked by a
// pattern, which also bounds its length.
func scaled(number string, unit int64) *big.Rat {
	value, _ := new(big.Rat).SetString(number)
	return value.Mul(value, new(big.Rat).SetInt64(unit))
}

// wholeNumber is r as an int64, if it is one.
func wholeNumber(r *big.Rat) (int64, bool) {
	return r.Num().Int64(), r.IsInt() && r.Num().IsInt64()
}

// String is d in the form that ParseDuration reads: 7d, 36h, 1m30s.
func (d Duration) String() string {
	if d == 0 {
		return "0s"
	}
	if d < 0 {
		return time.Duration(d).String()
	}
	var b strings.Builder
	rest := time.Duration(d)
	for _, unit := range durationUnits {
		// People say 7d, 30d and 36h, not 1w, 4w2d and 1d12h.
		if unit.span > day || unit.span == day && rest%day != 0 {
			continue
		}
		if n := rest / unit.span; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			rest -= n * unit.span
		}
	}
	return b.String()
}

// UnmarshalText is ParseDuration. An error leaves d as it was.
func (d *Duration) UnmarshalText(text []byte) error { return keep(d, text, ParseDuration) }

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// keep reads text into v, unless it cannot be read.
func keep[T any](v *T, text []byte, parse func(string) (T, error)) error {
	parsed, err := parse(string(text))
	if err == nil {
		*v = parsed
	}
	return err
}

// Size counts bytes. In a file it is a number with a unit: KiB, MiB and GiB are
// powers of 1024, kB, MB and GB powers of 1000 (IEC 80000-13). A plain number
// counts bytes.
type Size int64

// The binary units.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

// sizeUnits, the larger of each kind first; String prefers binary ones.
var sizeUnits = []struct {
	name  string
	bytes Size
}{
	{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB},
	{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1}, {"", 1},
}

var errSize = errors.New("want a number of bytes with a unit (KiB, MiB or GiB of 1024, kB, MB or GB of 1000), such as 512KiB or 10MiB")

var sizeForm = regexp.MustCompile(`^(\d{1,19}(?:\.\d{1,9})?) ?([A-Za-z]*)$`)

// ParseSize reads a size. It must come to whole bytes.
func ParseSize(text string) (Size, error) {
	part := sizeForm.FindStringSubmatch(text)
	if part == nil {
		return 0, errSize
	}
	for _, unit := range sizeUnits {
		if unit.name != part[2] {
			continue
		}
		bytes, whole := wholeNumber(scaled(part[1], int64(unit.bytes)))
		if !whole {
			return 0, errors.New("want whole bytes, fewer than 8 EiB")
		}
		return Size(bytes), nil
	}
	return 0, errSize
}

// String is s in the form that ParseSize reads, with the largest binary unit that
// leaves a whole number.
func (s Size) String() string {
	for _, unit := range sizeUnits[:3] {
		if s >= unit.bytes && s%unit.bytes == 0 {
			return strconv.FormatInt(int64(s/unit.bytes), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// UnmarshalText is ParseSize. An error leaves s as it was.
func (s *Size) UnmarshalText(text []byte) error { return keep(s, text, ParseSize) }

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
