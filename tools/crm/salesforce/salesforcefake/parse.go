package salesforcefake

import (
	"strconv"
	"strings"
)

// query is a SELECT that was read.
type query struct {
	fields []string
	inner  []*query // queries inside; from is the name of a relationship then
	from   string
	where  expr
	order  []ordering
	limit  int // -1: none
}

type ordering struct {
	field     string
	desc      bool
	nullsLast bool
}

// expr is a condition: and, or, not, or a comparison.
type expr any

type (
	conjunction []expr
	disjunction []expr
	negation    struct{ of expr }
	comparison  struct {
		field string
		op    string // =, !=, <, <=, >, >=, like, in, not in
		to    []literal
	}
)

type literal struct {
	kind string // string, number, time, bool, null
	text string
}

// parse reads SOQL, of which it knows what is needed here: what else there is, and what
// there is not, is refused.
func parse(text string) (*query, *Problem) {
	tokens, problem := lex(text)
	if problem != nil {
		return nil, problem
	}
	if len(text) > 100_000 {
		return nil, malformed("a query of %d characters", len(text))
	}
	p := &parser{tokens: tokens}
	q := p.query(false)
	if p.problem == nil && p.peek().kind != "end" {
		p.unexpected()
	}
	return q, p.problem
}

type parser struct {
	tokens  []token
	problem *Problem
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) next() token {
	t := p.tokens[0]
	if len(p.tokens) > 1 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) unexpected() {
	if p.problem == nil {
		p.problem = malformed("unexpected token: '%s' at %d", p.peek().text, p.peek().at)
	}
}

// word takes a keyword, if it comes next.
func (p *parser) word(w string) bool {
	if t := p.peek(); t.kind == "name" && strings.EqualFold(t.text, w) {
		p.next()
		return true
	}
	return false
}

func (p *parser) sign(s string) bool {
	if t := p.peek(); t.kind == "sign" && t.text == s {
		p.next()
		return true
	}
	return false
}

func (p *parser) must(ok bool) {
	if !ok {
		p.unexpected()
	}
}

var reserved = map[string]bool{"SELECT": true, "FROM": true, "WHERE": true, "AND": true, "OR": true, "NOT": true, "ORDER": true, "BY": true, "LIMIT": true, "LIKE": true, "IN": true,
	"GROUP": true, "HAVING": true, "OFFSET": true, "NULLS": true, "ASC": true, "DESC": true, "NULL": true, "TRUE": true, "FALSE": true}

func (p *parser) name(object bool) string {
	t := p.peek()
	bad := strings.HasPrefix(t.text, ".") || strings.HasSuffix(t.text, ".") || strings.Contains(t.text, "..")
	if t.kind != "name" || bad || reserved[strings.ToUpper(t.text)] && !(object && strings.EqualFold(t.text, "Order") || object && strings.EqualFold(t.text, "Group")) {
		p.unexpected()
		return ""
	}
	return p.next().text
}

func (p *parser) query(inside bool) *query {
	q := &query{limit: -1}
	p.must(p.word("SELECT"))
	for more := true; more && p.problem == nil; more = p.sign(",") {
		if !inside && p.sign("(") {
			q.inner = append(q.inner, p.query(true))
			p.must(p.sign(")"))
			continue
		}
		q.fields = append(q.fields, p.name(false))
	}
	p.must(p.word("FROM"))
	q.from = p.name(true)
	if p.word("WHERE") {
		q.where = p.expr()
	}
	if p.word("ORDER") {
		p.must(p.word("BY"))
		for more := true; more && p.problem == nil; more = p.sign(",") {
			q.order = append(q.order, p.ordering())
		}
	}
	if p.word("LIMIT") {
		n, err := strconv.Atoi(p.next().text)
		p.must(err == nil && n >= 0 && n <= 50_000)
		q.limit = n
	}
	return q
}

func (p *parser) ordering() ordering {
	o := ordering{field: p.name(false)}
	if p.word("DESC") {
		o.desc = true
	} else {
		p.word("ASC")
	}
	if p.word("NULLS") {
		o.nullsLast = p.word("LAST")
		p.must(o.nullsLast || p.word("FIRST"))
	}
	return o
}

// expr reads conditions of one level: SOQL takes ANDs or ORs, and both only with
// parentheses.
func (p *parser) expr() expr {
	if p.word("NOT") {
		of := p.condition()
		if p.peek().kind == "name" && (strings.EqualFold(p.peek().text, "AND") || strings.EqualFold(p.peek().text, "OR")) {
			p.unexpected()
		}
		return negation{of}
	}
	all := []expr{p.condition()}
	joined := ""
	for p.problem == nil {
		t := p.peek()
		by := strings.ToUpper(t.text)
		if t.kind != "name" || by != "AND" && by != "OR" {
			break
		}
		if joined != "" && joined != by {
			p.unexpected()
		}
		joined = by
		p.next()
		all = append(all, p.condition())
	}
	switch {
	case len(all) == 1:
		return all[0]
	case joined == "OR":
		return disjunction(all)
	}
	return conjunction(all)
}

func (p *parser) condition() expr {
	if p.problem != nil {
		return nil
	}
	if p.sign("(") {
		e := p.expr()
		p.must(p.sign(")"))
		return e
	}
	c := comparison{field: p.name(false)}
	switch {
	case p.problem != nil:
	case p.word("LIKE"):
		c.op, c.to = "like", []literal{p.literal()}
		p.must(c.to[0].kind == "string")
	case p.word("IN"):
		c.op, c.to = "in", p.list()
	case p.word("NOT"):
		p.must(p.word("IN"))
		c.op, c.to = "not in", p.list()
	default:
		t := p.next()
		p.must(t.kind == "sign" && strings.Contains(" = != < <= > >= ", " "+t.text+" "))
		c.op, c.to = t.text, []literal{p.literal()}
	}
	return c
}

func (p *parser) list() []literal {
	p.must(p.sign("("))
	var all []literal
	for more := true; more && p.problem == nil; more = p.sign(",") {
		all = append(all, p.literal())
	}
	p.must(p.sign(")"))
	return all
}

func (p *parser) literal() literal {
	t := p.peek()
	switch {
	case t.kind == "string" || t.kind == "number" || t.kind == "time":
		p.next()
		return literal{t.kind, t.text}
	case p.word("null"):
		return literal{"null", ""}
	case p.word("true"):
		return literal{"bool", "true"}
	case p.word("false"):
		return literal{"bool", "false"}
	}
	p.unexpected()
	return literal{}
}
