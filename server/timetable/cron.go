package timetable

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // zones are known wherever the program runs

	"github.com/robfig/cron/v3"
)

// ExpressionError is a mistake in a cron expression. Column counts characters from 1.
type ExpressionError struct {
	Column  int
	Message string
}

func (e *ExpressionError) Error() string {
	return fmt.Sprintf("column %d: %s", e.Column, e.Message)
}

// calendar is a cron expression: the wall clock times that fit it, in whatever zone.
type calendar struct {
	minute, hour, dom, month, dow uint64 // a bit for each value that fits
	// either: day of month and day of week are both restricted, and one of them has to
	// fit. Otherwise both have to. (POSIX, crontab: "if both are specified".)
	either bool
	// passing: the hour field begins with *.
	passing bool
}

// nicknames are the expressions with a name.
var nicknames = map[string]string{
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
	"@monthly":  "0 0 1 * *",
	"@weekly":   "0 0 * * 0",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@hourly":   "0 * * * *",
}

// fields are the parts of an expression, in their order, with the bounds to name.
var fields = []struct {
	name, want string
	parser     cron.Parser
	bits       func(*cron.SpecSchedule) uint64
}{
	{"minute", "0 to 59", cron.NewParser(cron.Minute), func(s *cron.SpecSchedule) uint64 { return s.Minute }},
	{"hour", "0 to 23", cron.NewParser(cron.Hour), func(s *cron.SpecSchedule) uint64 { return s.Hour }},
	{"day of month", "1 to 31", cron.NewParser(cron.Dom), func(s *cron.SpecSchedule) uint64 { return s.Dom }},
	{"month", "1 to 12 or JAN to DEC", cron.NewParser(cron.Month), func(s *cron.SpecSchedule) uint64 { return s.Month }},
	{"day of week", "0 to 6 (0 is Sunday) or SUN to SAT", cron.NewParser(cron.Dow), func(s *cron.SpecSchedule) uint64 { return s.Dow }},
}

// Cron is due as a cron expression of five fields says, or @daily and its like, on the
// clock of a zone. A mistake is an [*ExpressionError].
func Cron(expression string, zone *time.Location) (Plan, error) {
	c, err := parse(expression)
	if err != nil {
		return nil, err
	}
	if c.passing {
		return passing{c, zone}, nil
	}
	return fixed{c, zone}, nil
}

func parse(expression string) (calendar, error) {
	words, columns := split(expression)
	if len(words) == 1 && strings.HasPrefix(words[0], "@") {
		meant, known := nicknames[words[0]]
		if !known {
			return calendar{}, &ExpressionError{columns[0], fmt.Sprintf("%q is unknown; want five fields, or @hourly, @daily, @weekly, @monthly or @yearly", words[0])}
		}
		words, columns = split(meant)
	}
	if len(words) > 0 && strings.Contains(words[0], "TZ=") {
		return calendar{}, &ExpressionError{columns[0], "the time zone is a setting of its own: zone"}
	}
	if len(words) != len(fields) {
		return calendar{}, &ExpressionError{1, fmt.Sprintf("there are %d fields; want five: minute, hour, day of month, month and day of week, such as 0 2 * * 1", len(words))}
	}
	var bits [5]uint64
	for i, word := range words {
		var err error
		if bits[i], err = field(i, word); err != nil {
			return calendar{}, &ExpressionError{columns[i], err.Error()}
		}
	}
	c := calendar{minute: bits[0], hour: bits[1], dom: bits[2], month: bits[3], dow: bits[4],
		either: !starred(words[2]) && !starred(words[4]), passing: starred(words[1])}
	if !c.possible() {
		return calendar{}, &ExpressionError{columns[2], fmt.Sprintf("day %s never comes in month %s", words[2], words[3])}
	}
	return c, nil
}

// split cuts an expression at white space, and says where each word begins.
func split(expression string) (words []string, columns []int) {
	column := 0
	fresh := true
	for _, r := range expression {
		column++
		if strings.ContainsRune(" \t\r\n", r) {
			fresh = true
			continue
		}
		if fresh {
			words, columns, fresh = append(words, ""), append(columns, column), false
		}
		words[len(words)-1] += string(r)
	}
	return words, columns
}

func starred(field string) bool {
	return strings.HasPrefix(field, "*") || strings.HasPrefix(field, "?")
}

// part is one of the parts that a field lists. The parser would take more than this,
// and pass over it.
var part = regexp.MustCompile(`^(\*|\?|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[0-9]+)?$`)

// field reads one field by the parser's rules.
func field(i int, text string) (uint64, error) {
	f := fields[i]
	for one := range strings.SplitSeq(text, ",") {
		if !part.MatchString(one) {
			return 0, fmt.Errorf("%s %q: want %s, ranges and lists of these, and *, with /steps", f.name, text, f.want)
		}
	}
	read := text
	if f.name == "day of week" {
		read = sundays(text)
	}
	schedule, err := f.parser.Parse(read)
	if err != nil {
		why := err.Error()
		if strings.HasPrefix(why, "failed to parse int") {
			why = "it is no number and no name"
		}
		return 0, fmt.Errorf("%s %q: %s; want %s", f.name, text, why, f.want)
	}
	spec, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		return 0, fmt.Errorf("%s %q: want %s", f.name, text, f.want)
	}
	return f.bits(spec), nil
}

// sundays writes day 7, which is Sunday to most crons, as the parser knows it.
func sundays(text string) string {
	parts := strings.Split(text, ",")
	for i, one := range parts {
		if one == "7" {
			parts[i] = "0"
		} else if from, ok := strings.CutSuffix(one, "-7"); ok && from == "7" {
			parts[i] = "0"
		} else if ok && from != "0" {
			parts[i] = from + "-6,0"
		} else if ok {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, ",")
}

// possible reports whether there is a day that fits at all: there is no 30 February.
func (c calendar) possible() bool {
	if c.either {
		return true // a day of the week comes in every month
	}
	days := [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	for month, last := range days {
		for day := 1; day <= last; day++ {
			if has(c.month, month+1) && has(c.dom, day) {
				return true
			}
		}
	}
	return false
}

func has(bits uint64, n int) bool { return bits&(1<<n) != 0 }
