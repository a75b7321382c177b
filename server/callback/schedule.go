package callback

import "time"

// Schedule is how long to wait before each attempt, counted from the one before.
type Schedule []time.Duration

// DefaultSchedule is that of the Standard Webhooks specification, section
// "Retry schedule": 10 attempts over 75 h 35 min.
func DefaultSchedule() Schedule {
	return Schedule{
		0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour,
		5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// jitter is how far a wait may be from the schedule's, either way: receivers that
// failed together must not be called together again.
const jitter = 0.2

// Next is the wait before the next attempt when made attempts were made already:
// the schedule's, times a number from 0.8 up to 1.2. It reports false when no
// attempt is left. random gives numbers from 0 up to 1, as rand.Float64 does.
func (s Schedule) Next(made int, random func() float64) (time.Duration, bool) {
	if made < 0 || made >= len(s) {
		return 0, false
	}
	return time.Duration(float64(s[made]) * (1 - jitter + 2*jitter*random())), true
}
