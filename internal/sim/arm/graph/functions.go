package graph

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// function is a scalar function; most is the largest number of arguments, 0
// as many as min.
type function struct {
	min, most int
	dynamic   bool
	call      func(args []any) any
}

// functions that are understood.
// Source: Kusto documentation, "Scalar functions".
var functions = map[string]function{
	"tostring":     {min: 1, call: func(a []any) any { return asText(a[0]) }},
	"tolower":      {min: 1, call: func(a []any) any { return strings.ToLower(asText(a[0])) }},
	"toupper":      {min: 1, call: func(a []any) any { return strings.ToUpper(asText(a[0])) }},
	"strlen":       {min: 1, call: func(a []any) any { return float64(utf8.RuneCountInString(asText(a[0]))) }},
	"toint":        {min: 1, call: toInteger},
	"tolong":       {min: 1, call: toInteger},
	"tobool":       {min: 1, call: func(a []any) any { return strings.EqualFold(asText(a[0]), "true") }},
	"not":          {min: 1, call: func(a []any) any { return a[0] != true }},
	"isnull":       {min: 1, call: func(a []any) any { return a[0] == nil }},
	"isnotnull":    {min: 1, call: func(a []any) any { return a[0] != nil }},
	"isempty":      {min: 1, call: func(a []any) any { return isEmpty(a[0]) }},
	"isnotempty":   {min: 1, call: func(a []any) any { return !isEmpty(a[0]) }},
	"notempty":     {min: 1, call: func(a []any) any { return !isEmpty(a[0]) }},
	"strcat":       {min: 1, most: 64, call: concatenate},
	"coalesce":     {min: 1, most: 64, call: firstFilled},
	"iff":          {min: 3, call: choose},
	"iif":          {min: 3, call: choose},
	"array_length": {min: 1, call: arrayLength},
	"bag_keys":     {min: 1, dynamic: true, call: bagKeys},
	"split":        {min: 2, dynamic: true, call: cut},
}

func (p *parser) call(at token) (expression, error) {
	f, known := functions[at.text]
	if !known {
		return expression{}, at.problem("this function is not supported")
	}
	arguments, err := p.list()
	if err != nil {
		return expression{}, err
	}
	if len(arguments) < f.min || len(arguments) > max(f.min, f.most) {
		return expression{}, at.problem("%s takes another number of arguments than %d", at.text, len(arguments))
	}
	return expression{dynamic: f.dynamic, name: arguments[0].name, value: func(r Row) any {
		values := make([]any, len(arguments))
		for i, argument := range arguments {
			values[i] = argument.value(r)
		}
		return f.call(values)
	}}, nil
}

func toInteger(a []any) any {
	if n, ok := asNumber(a[0]); ok {
		return float64(int64(n))
	}
	if n, err := strconv.ParseInt(asText(a[0]), 10, 64); err == nil {
		return float64(n)
	}
	return nil
}

func concatenate(a []any) any {
	var out strings.Builder
	for _, v := range a {
		out.WriteString(asText(v))
	}
	return out.String()
}

func firstFilled(a []any) any {
	for _, v := range a {
		if v != nil && v != "" {
			return v
		}
	}
	return nil
}

func choose(a []any) any {
	if a[0] == true {
		return a[1]
	}
	return a[2]
}

func arrayLength(a []any) any {
	if list, ok := a[0].([]any); ok {
		return float64(len(list))
	}
	return nil
}

func bagKeys(a []any) any {
	bag, ok := a[0].(map[string]any)
	if !ok {
		return nil
	}
	keys := []any{}
	for _, key := range slices.Sorted(maps.Keys(bag)) {
		keys = append(keys, key)
	}
	return keys
}

func cut(a []any) any {
	parts := []any{}
	for _, part := range strings.Split(asText(a[0]), asText(a[1])) {
		parts = append(parts, part)
	}
	return parts
}
