package convert

// alternative is a choice between schemas, by anyOf or oneOf.
type alternative struct {
	of      *schema
	options []*schema
	one     bool // exactly one may fit
}

// flatten collects the schemas that a value has to fit, through references and
// allOf, and the choices among them.
func flatten(all []*schema, w *work) (leaves []*schema, alternatives []alternative) {
	if len(all) == 1 && all[0].isPlain() {
		return all, nil
	}
	seen := map[*schema]bool{}
	var visit func(s *schema)
	visit = func(s *schema) {
		if !w.step(1) || seen[s] || len(leaves) > maxLeaves {
			return
		}
		seen[s] = true
		leaves = append(leaves, s)
		if s.ref != nil {
			visit(s.ref)
		}
		for _, part := range s.allOf {
			visit(part)
		}
		if len(s.anyOf) > 0 {
			alternatives = append(alternatives, alternative{s, s.anyOf, false})
		}
		if len(s.oneOf) > 0 {
			alternatives = append(alternatives, alternative{s, s.oneOf, true})
		}
	}
	for _, s := range all {
		visit(s)
	}
	return leaves, alternatives
}
