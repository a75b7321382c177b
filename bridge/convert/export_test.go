package convert

// MaxWork is how many steps converting may take before it is given up.
const MaxWork = maxWork

// Work is how many steps it takes to convert a tool, and whether they were enough to
// spell it out.
func Work(t Tool) (steps int, enough bool) {
	var w work
	convert(t, &w) // a refusal takes steps as well
	return w.steps, !w.spent()
}
