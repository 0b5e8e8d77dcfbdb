package graph

import (
	"slices"
	"strconv"
	"strings"
)

// Query is a parsed query.
type Query struct {
	table   string
	stages  []stage
	columns columns
	limited bool
}

// stage is one step of the pipe.
type stage func([]Row) []Row

type parser struct {
	tokens  []token
	at      int
	depth   int
	columns columns // of the rows that the next stage sees
	limited bool
}

// Parse reads a query. The error is an *Error.
func Parse(query string) (*Query, error) {
	tokens, err := lex(query)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, columns: Schema}
	q := &Query{table: Resources}
	at := p.peek()
	if at.kind != word {
		return nil, at.problem("a query begins with the name of a table")
	}
	q.table = strings.ToLower(at.text)
	if q.table != Resources && q.table != Containers {
		return nil, at.problem("no table of this name")
	}
	p.at++
	for p.peek().kind != end {
		if !p.acceptSign("|") {
			return nil, p.peek().problem("want |")
		}
		stage, err := p.stage()
		if err != nil {
			return nil, err
		}
		q.stages = append(q.stages, stage)
	}
	q.columns, q.limited = p.columns, p.limited
	return q, nil
}

// stage reads one operator and its arguments.
func (p *parser) stage() (stage, error) {
	at := p.next()
	name := at.text
	for p.peek().kind == sign && p.peek().text == "-" {
		p.at++
		name += "-" + p.next().text
	}
	switch name {
	case "where", "filter":
		return p.where()
	case "project":
		return p.project()
	case "project-away":
		return p.projectAway()
	case "extend":
		return p.extend()
	case "order", "sort":
		return p.order()
	case "take", "limit":
		return p.take()
	case "count":
		p.columns, p.limited = columns{{"Count", "integer"}}, true
		return func(rows []Row) []Row { return []Row{{"Count": float64(len(rows))}} }, nil
	case "distinct":
		return p.distinct()
	case "summarize":
		return p.summarize()
	}
	at.text = name
	return nil, at.problem("this operator is not supported")
}

func (p *parser) where() (stage, error) {
	condition, err := p.expression()
	return func(rows []Row) []Row {
		var out []Row
		for _, row := range rows {
			if condition.value(row) == true {
				out = append(out, row)
			}
		}
		return out
	}, err
}

// named is "name = expression" or an expression that names itself.
type named struct {
	expression
	as string
}

func (p *parser) namedList() ([]named, error) {
	var list []named
	for {
		var item named
		if here, after := p.peek(), p.tokens[min(p.at+1, len(p.tokens)-1)]; here.kind == word && after.kind == sign && after.text == "=" {
			item.as = here.text
			p.at += 2
		}
		at := p.peek()
		var err error
		if item.expression, err = p.expression(); err != nil {
			return nil, err
		}
		if item.as == "" {
			item.as = item.name
		}
		if item.as == "" {
			return nil, at.problem("give this a name: name = expression")
		}
		list = append(list, item)
		if !p.acceptSign(",") {
			return list, nil
		}
	}
}

func (n named) column() Column {
	if n.dynamic {
		return Column{n.as, "object"}
	}
	return Column{n.as, "string"}
}

func (p *parser) project() (stage, error) {
	list, err := p.namedList()
	p.columns = nil
	for _, item := range list {
		p.columns = p.columns.with(item.column())
	}
	return func(rows []Row) []Row { return compute(rows, list, false) }, err
}

func (p *parser) extend() (stage, error) {
	list, err := p.namedList()
	for _, item := range list {
		p.columns = p.columns.with(item.column())
	}
	return func(rows []Row) []Row { return compute(rows, list, true) }, err
}

// compute makes rows of computed columns, beside the old ones if keep.
func compute(rows []Row, list []named, keep bool) []Row {
	out := make([]Row, len(rows))
	for i, row := range rows {
		out[i] = Row{}
		if keep {
			for name, value := range row {
				out[i][name] = value
			}
		}
		for _, item := range list {
			out[i][item.as] = item.value(row)
		}
	}
	return out
}

func (p *parser) projectAway() (stage, error) {
	for {
		at := p.next()
		if _, err := p.column(at); err != nil {
			return nil, err
		}
		p.columns = slices.DeleteFunc(slices.Clone(p.columns), func(c Column) bool { return c.Name == at.text })
		if !p.acceptSign(",") {
			return func(rows []Row) []Row { return rows }, nil
		}
	}
}

func (p *parser) take() (stage, error) {
	at := p.next()
	count, err := strconv.Atoi(at.text)
	if at.kind != number || err != nil {
		return nil, at.problem("want a number of rows")
	}
	p.limited = true
	return func(rows []Row) []Row { return rows[:min(count, len(rows))] }, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	at := p.tokens[p.at]
	if at.kind != end {
		p.at++
	}
	return at
}

func (p *parser) acceptSign(text string) bool { return p.accept(sign, text) }
func (p *parser) acceptWord(text string) bool { return p.accept(word, text) }

func (p *parser) accept(k kind, text string) bool {
	if at := p.peek(); at.kind != k || at.text != text {
		return false
	}
	p.at++
	return true
}
