// Package graph reads the part of the Kusto Query Language that clients of
// Azure Resource Graph use to find resources, and refuses the rest.
//
// Source: Azure Resource Graph documentation, "Understanding the Azure
// Resource Graph query language" and "Starter query samples".
package graph

import "slices"

// Row is one record.
type Row = map[string]any

// Column of a result. Type is one of string, integer, number, boolean and object.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type columns []Column

func (c columns) find(name string) (Column, bool) {
	at := slices.IndexFunc(c, func(column Column) bool { return column.Name == name })
	if at < 0 {
		return Column{}, false
	}
	return c[at], true
}

// with adds a column or replaces the one of the same name.
func (c columns) with(column Column) columns {
	out := slices.DeleteFunc(slices.Clone(c), func(old Column) bool { return old.Name == column.Name })
	return append(out, column)
}

// Schema of every table.
// Source: Azure Resource Graph, table and resource type reference, common columns.
var Schema = []Column{
	{"id", "string"}, {"name", "string"}, {"type", "string"}, {"tenantId", "string"}, {"kind", "string"}, {"location", "string"},
	{"resourceGroup", "string"}, {"subscriptionId", "string"}, {"managedBy", "string"}, {"sku", "object"}, {"plan", "object"},
	{"properties", "object"}, {"tags", "object"}, {"identity", "object"}, {"zones", "object"}, {"extendedLocation", "object"},
}

// Tables that queries may begin with, in lower case.
const (
	Resources  = "resources"
	Containers = "resourcecontainers"
)

// Result is the whole answer; cutting it into pages is the caller's work.
type Result struct {
	Columns []Column
	Rows    []Row
	// Pages tells whether a further page may be asked for: the rows have an
	// id column and the query does not limit itself.
	Pages bool
}

// Run executes the query.
func (q *Query) Run(tables map[string][]Row) Result {
	rows := slices.Clone(tables[q.table])
	for _, stage := range q.stages {
		rows = stage(rows)
	}
	_, hasID := q.columns.find("id")
	result := Result{Columns: q.columns, Rows: make([]Row, 0, len(rows)), Pages: hasID && !q.limited}
	for _, row := range rows {
		out := make(Row, len(q.columns))
		for _, column := range q.columns {
			out[column.Name] = row[column.Name]
		}
		result.Rows = append(result.Rows, out)
	}
	return result
}
