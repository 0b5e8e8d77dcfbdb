package graph

import (
	"encoding/json"
	"slices"
)

// key is something to sort or group by; the service wants it cast first.
func (p *parser) key(clause string) (named, error) {
	at := p.peek()
	list, err := p.namedListOne()
	if err != nil {
		return list, err
	}
	if list.dynamic {
		return list, at.problem("%s key is of a 'dynamic' type; use an explicit cast such as tostring()", clause)
	}
	return list, nil
}

// namedListOne reads a single "name = expression".
func (p *parser) namedListOne() (named, error) {
	var item named
	if here, after := p.peek(), p.tokens[min(p.at+1, len(p.tokens)-1)]; here.kind == word && after.kind == sign && after.text == "=" {
		item.as = here.text
		p.at += 2
	}
	var err error
	item.expression, err = p.path()
	if item.as == "" {
		item.as = item.name
	}
	return item, err
}

func (p *parser) order() (stage, error) {
	if !p.acceptWord("by") {
		return nil, p.peek().problem("want by")
	}
	type criterion struct {
		value func(Row) any
		up    bool
	}
	var criteria []criterion
	for {
		key, err := p.key("order by")
		if err != nil {
			return nil, err
		}
		// Source: Kusto documentation, "sort operator": descending is the default.
		up := p.acceptWord("asc")
		if !up {
			p.acceptWord("desc")
		}
		criteria = append(criteria, criterion{key.value, up})
		if !p.acceptSign(",") {
			break
		}
	}
	return func(rows []Row) []Row {
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, func(a, b Row) int {
			for _, c := range criteria {
				order := compare(c.value(a), c.value(b))
				if !c.up {
					order = -order
				}
				if order != 0 {
					return order
				}
			}
			return 0
		})
		return rows
	}, nil
}

func (p *parser) distinct() (stage, error) {
	list, err := p.keys("distinct")
	if err != nil {
		return nil, err
	}
	return func(rows []Row) []Row {
		groups := group(rows, list)
		out := make([]Row, len(groups))
		for i, g := range groups {
			out[i] = g.key
		}
		return out
	}, nil
}

// summarize understands count(), with and without a name, by keys or not.
func (p *parser) summarize() (stage, error) {
	as := "count_"
	if here := p.peek(); here.kind == word && here.text != "count" {
		as = here.text
		p.at++
		if !p.acceptSign("=") {
			return nil, here.problem("of the aggregations only count() is supported")
		}
	}
	at := p.peek()
	if !p.acceptWord("count") || !p.acceptSign("(") || !p.acceptSign(")") {
		return nil, at.problem("of the aggregations only count() is supported")
	}
	var list []named
	if p.acceptWord("by") {
		var err error
		if list, err = p.keys("summarize"); err != nil {
			return nil, err
		}
	} else {
		p.columns = nil
	}
	p.columns = p.columns.with(Column{as, "integer"})
	p.limited = true
	return func(rows []Row) []Row {
		if len(list) == 0 {
			return []Row{{as: float64(len(rows))}}
		}
		groups := group(rows, list)
		out := make([]Row, len(groups))
		for i, g := range groups {
			out[i] = g.key
			out[i][as] = float64(g.count)
		}
		return out
	}, nil
}

func (p *parser) keys(clause string) ([]named, error) {
	var list []named
	for {
		at := p.peek()
		key, err := p.key(clause)
		if err != nil {
			return nil, err
		}
		if key.as == "" {
			return nil, at.problem("give this a name: name = expression")
		}
		list = append(list, key)
		if !p.acceptSign(",") {
			break
		}
	}
	p.columns = nil
	for _, key := range list {
		p.columns = p.columns.with(key.column())
	}
	return list, nil
}

type grouped struct {
	key   Row
	count int
}

// group collects rows by key, in order of first appearance.
func group(rows []Row, list []named) []*grouped {
	var order []*grouped
	known := map[string]*grouped{}
	for _, row := range compute(rows, list, false) {
		mark, _ := json.Marshal(row)
		g, ok := known[string(mark)]
		if !ok {
			g = &grouped{key: row}
			known[string(mark)] = g
			order = append(order, g)
		}
		g.count++
	}
	return order
}
