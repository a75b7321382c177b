package config

import (
	"errors"
	"regexp"
	"strconv"
)

// Limit bounds tool calls. Of several that fit a call, all hold.
type Limit struct {
	Name string `yaml:"name"` // shown to whoever is refused
	// Principal and Tool are patterns of whose calls count, and of which tools; Effect is
	// the tools', any if empty.
	Principal string `yaml:"principal"`
	Tool      string `yaml:"tool"`
	Effect    string `yaml:"effect"`
	// Per is principal (each has the whole of it) or all (together they have it once).
	Per string `yaml:"per"`
	// Rate is how often calls are let through, Burst how many at once after a pause,
	// Concurrent how many are under way; each node counts for itself. Zero is without.
	Rate       Pace `yaml:"rate"`
	Burst      int  `yaml:"burst"`
	Concurrent int  `yaml:"concurrent"`
	// How many calls there are in the last hour and in the last 24, and how much money
	// they move, on all nodes together. A currency that is not listed is not moved at all;
	// none listed is without that bound.
	CountPerHour  int     `yaml:"count_per_hour"`
	CountPerDay   int     `yaml:"count_per_day"`
	AmountPerHour []Money `yaml:"amount_per_hour"`
	AmountPerDay  []Money `yaml:"amount_per_day"`
}

// What [Limit.Per] may be.
const (
	PerPrincipal = "principal"
	PerAll       = "all"
)

// DefaultLimit is a limit of which the file says nothing: it bounds nothing, for everybody.
func DefaultLimit() Limit { return Limit{Principal: "*", Tool: "*", Per: PerPrincipal} }

func (l *Limit) setDefaults() { *l = DefaultLimit() }

// defaultLimits hold for what cannot be taken back. They are far above what people and
// ordinary agents do, and far below what a loop, or somebody with a stolen key, could.
func defaultLimits() []Limit {
	money, messages := DefaultLimit(), DefaultLimit()
	money.Name, money.Effect, money.Rate, money.Burst, money.Concurrent = "money", "money", Pace{60, "m"}, 20, 10
	money.CountPerHour, money.CountPerDay = 200, 1000
	messages.Name, messages.Effect, messages.Rate, messages.Burst, messages.Concurrent = "messages", "message", Pace{300, "m"}, 100, 50
	messages.CountPerHour, messages.CountPerDay = 2000, 10_000
	return []Limit{money, messages}
}

// Pace is how often something may be done. In a file it is a number and a unit: 5/s, 10/m,
// 100/h. The zero value is without a bound.
type Pace struct {
	Times int
	Per   string // s, m or h
}

var paceForm = regexp.MustCompile(`^([1-9]\d{0,5})/([smh])$`)

// ParsePace reads a pace; 0 is without a bound.
func ParsePace(text string) (Pace, error) {
	if text == "0" {
		return Pace{}, nil
	}
	part := paceForm.FindStringSubmatch(text)
	if part == nil {
		return Pace{}, errors.New("want a number and a unit, such as 5/s, 10/m or 100/h, or 0 for no bound")
	}
	times, err := strconv.Atoi(part[1])
	return Pace{times, part[2]}, err
}

// PerSecond is p as a number.
func (p Pace) PerSecond() float64 {
	return float64(p.Times) / map[string]float64{"s": 1, "m": 60, "h": 3600, "": 1}[p.Per]
}

// String is p in the form that ParsePace reads.
func (p Pace) String() string {
	if p.Times == 0 {
		return "0"
	}
	return strconv.Itoa(p.Times) + "/" + p.Per
}

// UnmarshalText is ParsePace. An error leaves p as it was.
func (p *Pace) UnmarshalText(text []byte) error { return keep(p, text, ParsePace) }

// MarshalText is String.
func (p Pace) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
