package convert

// breakLoops cuts references that lead back to themselves without passing through
// a property or an item: saying it again says nothing about a value. A loop
// through an alternative offers none of its own.
func (r *reader) breakLoops() {
	all := make([]*schema, r.made)
	for _, s := range r.places {
		all[s.id] = s
	}
	l := loops{reader: r, open: map[*schema]int{}, done: make([]bool, len(all))}
	for _, s := range all {
		if s != nil {
			l.visit(s, 0)
		}
	}
}

type loops struct {
	reader *reader
	open   map[*schema]int // alternatives passed on the way there
	done   []bool          // by id
}

func (l *loops) visit(s *schema, alternatives int) {
	if l.done[s.id] {
		return
	}
	if s.ref == nil && s.rules == nil && s.allOf == nil && s.anyOf == nil && s.oneOf == nil {
		l.done[s.id] = true
		return
	}
	l.open[s] = alternatives
	for slot := range s.inPlace() {
		next := alternatives
		if slot.alternative {
			next++
		}
		at, open := l.open[*slot.schema]
		if !open {
			l.visit(*slot.schema, next)
			continue
		}
		l.reader.notes.add(s.path, "this says of itself that it is itself; that part is passed over")
		*slot.schema = &schema{id: l.reader.nextID(), path: s.path, none: slot.alternative || next > at}
		l.done = append(l.done, true)
	}
	delete(l.open, s)
	l.done[s.id] = true
}

// slot is where a schema names another that is about the same value.
type slot struct {
	schema      **schema
	alternative bool
}

func (s *schema) inPlace() func(func(slot) bool) {
	return func(yield func(slot) bool) {
		for _, one := range []**schema{&s.ref, &s.not, &s.when, &s.then, &s.other} {
			if *one != nil && !yield(slot{one, one == &s.not || one == &s.when}) {
				return
			}
		}
		for _, list := range [][]*schema{s.allOf, s.anyOf, s.oneOf} {
			for i := range list {
				if !yield(slot{&list[i], len(s.allOf) == 0 || &list[0] != &s.allOf[0]}) {
					return
				}
			}
		}
		if s.object == nil {
			return
		}
		for i := range s.object.needs {
			if n := &s.object.needs[i]; n.schema != nil && !yield(slot{&n.schema, false}) {
				return
			}
		}
	}
}
