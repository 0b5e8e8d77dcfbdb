package graph

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// expression is a compiled scalar expression.
type expression struct {
	value func(Row) any
	// name is the column that the expression makes when none is given.
	name string
	// dynamic values must be cast before they are grouped, sorted or told
	// apart. Source: Azure Resource Graph, "Work with large data sets" and
	// the service's own error texts.
	dynamic bool
}

// maxDepth bounds nesting, so that a query cannot exhaust the stack.
const maxDepth = 100

func (p *parser) expression() (expression, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return expression{}, p.peek().problem("the expression is nested too deeply")
	}
	return p.logical("or", func() (expression, error) { return p.logical("and", p.comparison) })
}

func (p *parser) logical(operator string, operand func() (expression, error)) (expression, error) {
	left, err := operand()
	for err == nil && p.acceptWord(operator) {
		var right expression
		right, err = operand()
		a, b := left.value, right.value
		if operator == "or" {
			left = expression{value: func(r Row) any { return a(r) == true || b(r) == true }}
		} else {
			left = expression{value: func(r Row) any { return a(r) == true && b(r) == true }}
		}
	}
	return left, err
}

// comparisons by sign or word. Words ignore case unless they end in _cs.
// Source: Kusto documentation, "String operators".
var comparisons = map[string]func(a, b any) bool{
	"==": same,
	"=~": func(a, b any) bool { return strings.EqualFold(asText(a), asText(b)) },
	"<":  func(a, b any) bool { return a != nil && b != nil && compare(a, b) < 0 },
	"<=": func(a, b any) bool { return a != nil && b != nil && compare(a, b) <= 0 },
	">":  func(a, b any) bool { return a != nil && b != nil && compare(a, b) > 0 },
	">=": func(a, b any) bool { return a != nil && b != nil && compare(a, b) >= 0 },

	"contains":      folded(strings.Contains),
	"contains_cs":   exact(strings.Contains),
	"startswith":    folded(strings.HasPrefix),
	"startswith_cs": exact(strings.HasPrefix),
	"endswith":      folded(strings.HasSuffix),
	"endswith_cs":   exact(strings.HasSuffix),
	"has":           folded(hasTerm),
	"has_cs":        exact(hasTerm),
}

func folded(f func(a, b string) bool) func(a, b any) bool {
	return func(a, b any) bool { return f(strings.ToLower(asText(a)), strings.ToLower(asText(b))) }
}

func exact(f func(a, b string) bool) func(a, b any) bool {
	return func(a, b any) bool { return f(asText(a), asText(b)) }
}

func (p *parser) comparison() (expression, error) {
	left, err := p.path()
	if err != nil {
		return left, err
	}
	at := p.peek()
	operator, negated := at.text, false
	switch {
	case at.kind == end || at.kind == text || at.kind == number:
		return left, nil
	case at.text == "!=":
		operator, negated = "==", true
	case at.text == "!~":
		operator, negated = "=~", true
	case at.text == "!":
		operator, negated = p.tokens[p.at+1].text, true // there is always an end token
		p.at++
	}
	if operator == "in" {
		return p.in(left, negated)
	}
	if operator == "matches" {
		return p.matches(left)
	}
	test, known := comparisons[operator]
	if !known {
		if negated {
			return left, p.peek().problem("no such operator")
		}
		return left, nil
	}
	p.at++
	right, err := p.path()
	if err != nil {
		return left, err
	}
	a, b := left.value, right.value
	return expression{value: func(r Row) any { return test(a(r), b(r)) != negated }}, nil
}

func (p *parser) in(left expression, negated bool) (expression, error) {
	p.at++
	test := same
	if p.acceptSign("~") {
		test = comparisons["=~"]
	}
	list, err := p.list()
	if err != nil {
		return left, err
	}
	return expression{value: func(r Row) any {
		value := left.value(r)
		found := slices.ContainsFunc(list, func(e expression) bool { return test(value, e.value(r)) })
		return found != negated
	}}, nil
}

func (p *parser) matches(left expression) (expression, error) {
	p.at++
	if !p.acceptWord("regex") {
		return left, p.peek().problem("want regex after matches")
	}
	at := p.next()
	pattern, err := regexp.Compile(at.text)
	if at.kind != text || err != nil {
		return left, at.problem("want a regular expression as a string")
	}
	return expression{value: func(r Row) any { return pattern.MatchString(asText(left.value(r))) }}, nil
}

// list is "(a, b, c)".
func (p *parser) list() ([]expression, error) {
	if !p.acceptSign("(") {
		return nil, p.peek().problem("want (")
	}
	var list []expression
	for !p.acceptSign(")") {
		if len(list) > 0 && !p.acceptSign(",") {
			return nil, p.peek().problem("want , or )")
		}
		item, err := p.expression()
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

// path is a primary followed by .name, ['name'] and [0].
func (p *parser) path() (expression, error) {
	e, err := p.primary()
	for err == nil {
		inner := e.value
		switch {
		case p.acceptSign("."):
			key := p.next()
			if key.kind != word {
				return e, key.problem("want a name after the dot")
			}
			e = expression{value: func(r Row) any { return member(inner(r), key.text) }, name: e.name + "_" + key.text, dynamic: true}
		case p.acceptSign("["):
			key := p.next()
			index, notNumber := strconv.Atoi(key.text)
			switch {
			case key.kind == text:
				e = expression{value: func(r Row) any { return member(inner(r), key.text) }, name: e.name + "_" + key.text, dynamic: true}
			case key.kind == number && notNumber == nil:
				e = expression{value: func(r Row) any { return element(inner(r), index) }, name: e.name + "_" + key.text, dynamic: true}
			default:
				return e, key.problem("want a string or a number in brackets")
			}
			if !p.acceptSign("]") {
				return e, p.peek().problem("want ]")
			}
		default:
			return e, nil
		}
	}
	return e, err
}

func member(v any, key string) any {
	object, _ := v.(map[string]any)
	return object[key] // KQL looks keys up exactly, letter case included
}

func element(v any, index int) any {
	list, _ := v.([]any)
	if index < 0 || index >= len(list) {
		return nil
	}
	return list[index]
}

func (p *parser) primary() (expression, error) {
	at := p.next()
	switch {
	case at.kind == text:
		return expression{value: func(Row) any { return at.text }}, nil
	case at.kind == number:
		value, err := strconv.ParseFloat(at.text, 64)
		if err != nil {
			return expression{}, at.problem("not a number")
		}
		return expression{value: func(Row) any { return value }}, nil
	case at.kind == sign && at.text == "(":
		e, err := p.expression()
		if err == nil && !p.acceptSign(")") {
			err = p.peek().problem("want )")
		}
		return e, err
	case at.kind == word && (at.text == "true" || at.text == "false"):
		return expression{value: func(Row) any { return at.text == "true" }}, nil
	case at.kind == word && p.peek().kind == sign && p.peek().text == "(":
		return p.call(at)
	case at.kind == word:
		column, err := p.column(at)
		return column, err
	}
	return expression{}, at.problem("want a value, a column or a function")
}

// column makes sure that the name exists, as the service does.
func (p *parser) column(at token) (expression, error) {
	known, ok := p.columns.find(at.text)
	if !ok {
		return expression{}, at.problem("no column of this name")
	}
	return expression{value: func(r Row) any { return r[at.text] }, name: at.text, dynamic: known.Type == "object"}, nil
}
