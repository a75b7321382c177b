package convert

// work counts what planning and writing one tool costs, in steps: about as much as
// looking at one schema, one place or one option.
//
// A few hundred bytes of schema can ask for any amount of it. References that lead
// back to what they are part of are merged anew at each turn; alternatives multiply;
// options are compared each with each. Whoever sends such a schema must not be able
// to keep us busy, so everything that a schema can repeat takes steps from here, and
// when they are used up the tool is shown as one text of JSON (see barePlan): it
// stays callable, and its arguments are checked as ever. What is worked on by then is
// thrown away, so whoever meets spent work may leave off with any result.
type work struct{ steps int }

// maxWork is some tenths of a second. The 3,786 real tools take no more than 1 step in
// 100 of it, a schema of 1 MiB with 16,000 members 1 in 3.
const maxWork = 1_000_000

// bytesPerStep is how much text is copied or searched in one step.
const bytesPerStep = 64

// step takes some steps, and reports whether the work may go on.
func (w *work) step(n int) bool {
	w.steps += n
	return w.steps <= maxWork
}

// text takes the steps for a text of so many bytes.
func (w *work) text(bytes int) { w.steps += bytes / bytesPerStep }

// exhaust ends the work: what is yet to come is known to be too much.
func (w *work) exhaust() { w.steps = max(w.steps, maxWork+1) }

func (w *work) spent() bool { return w.steps > maxWork }
