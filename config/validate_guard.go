package config

import "time"

func (k *checker) checkGuard() {
	if window := k.Guard.RepeatWindow; window != 0 {
		// A key is kept a day at least (retention.keys).
		between(k, "guard.repeat_window", window, Duration(time.Second), Duration(day))
	}
	for i, effect := range k.Guard.RepeatEffects {
		k.oneOf(item("guard.repeat_effects", i), effect, "write", "message", "money")
	}
	for i, shape := range k.Guard.Redact.Shapes {
		k.oneOf(item("guard.redact.shapes", i), shape, ShapeCard, ShapeIBAN, ShapeSecret)
	}
	k.oneOf("guard.redact.of", k.Guard.Redact.Of, RedactOutside, RedactAll)
}
