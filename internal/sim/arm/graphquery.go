package arm

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cartouche-gis/cartouche/internal/sim/arm/graph"
	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

// maxRows of one answer. Source: Azure Resource Graph, "Work with large data
// sets": 1,000 records at most.
const maxRows = 1000

// queryGraph answers Resource Graph. Rows that the caller may not read are
// left out, without an error.
// Source: Azure REST reference, Resource Graph, Resources - Resources.
func (s *Server) queryGraph(w http.ResponseWriter, c call) *failure {
	body, f := c.body()
	if f != nil {
		return f
	}
	text, _ := body["query"].(string)
	query, err := graph.Parse(text)
	if err != nil {
		return invalidQuery(err)
	}
	subscriptions, f := s.graphScope(c.caller, body["subscriptions"])
	if f != nil {
		return f
	}
	options, _ := body["options"].(map[string]any)
	top := maxRows
	if wanted := number(options["$top"]); wanted > 0 {
		top = min(top, wanted)
	}
	from := number(options["$skip"])
	if token, ok := options["$skipToken"].(string); ok && token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if from, _ = strconv.Atoi(string(raw)); err != nil || from <= 0 {
			return badQuery("InvalidSkipToken", "The provided skip token is invalid.")
		}
	}
	result := query.Run(s.graphTables(c.caller, subscriptions))
	total := len(result.Rows)
	from = min(from, total)
	end := min(from+top, total)
	s.noteRows(c.caller, result.Rows[from:end])
	out := map[string]any{"totalRecords": total, "count": end - from, "facets": []any{}, "resultTruncated": "false", "data": data(result, from, end, options["resultFormat"])}
	if end < total {
		out["resultTruncated"] = "true"
		// Source: "Work with large data sets": no skip token without the id
		// column, nor beside limit or take.
		if result.Pages {
			out["resultTruncated"] = "false"
			out["$skipToken"] = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end)))
		}
	}
	w.Header().Set("X-Ms-User-Quota-Remaining", "14")
	w.Header().Set("X-Ms-User-Quota-Resets-After", "00:00:05")
	w.Header().Set("X-Ms-Resource-Graph-Request-Duration", "0:00:00:00.0100000")
	answer(w, http.StatusOK, out)
	return nil
}

// data is the rows as objects or, when "table" is asked for, as columns and rows.
func data(result graph.Result, from, end int, format any) any {
	if text, _ := format.(string); !strings.EqualFold(text, "table") {
		return result.Rows[from:end]
	}
	rows := make([][]any, 0, end-from)
	for _, row := range result.Rows[from:end] {
		cells := make([]any, len(result.Columns))
		for i, column := range result.Columns {
			cells[i] = row[column.Name]
		}
		rows = append(rows, cells)
	}
	return map[string]any{"columns": result.Columns, "rows": rows}
}

// noteRows remembers that the types of these rows were read.
func (s *Server) noteRows(caller entra.Caller, rows []graph.Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, row := range rows {
		id, _ := row["id"].(string)
		if r, ok := s.resources[strings.ToLower(id)]; ok {
			s.note(caller.ObjectID, r.id.kind+"/read")
		}
	}
}

// graphScope is the subscriptions to look in: those named, else all of the tenant.
func (s *Server) graphScope(caller entra.Caller, named any) ([]string, *failure) {
	list, _ := named.([]any)
	var scope []string
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, subscription := range s.o.Subscriptions {
		asked := len(list) == 0 || slices.ContainsFunc(list, func(v any) bool {
			text, _ := v.(string)
			return strings.EqualFold(text, subscription.ID)
		})
		if asked && strings.EqualFold(subscription.Tenant, caller.Tenant) && s.sees(caller, subscription.ID) {
			scope = append(scope, subscription.ID)
		}
	}
	if len(scope) == 0 {
		return nil, badQuery("NoValidSubscriptionsInQueryRequest", "There must be at least one subscription that is eligible to contain resources.")
	}
	return scope, nil
}

// graphTables makes rows as Resource Graph shows them: type, location and
// resource group in lower case.
func (s *Server) graphTables(caller entra.Caller, subscriptions []string) map[string][]graph.Row {
	tables := map[string][]graph.Row{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.order {
		id, _ := r.document["id"].(string)
		if !slices.ContainsFunc(subscriptions, func(one string) bool { return strings.EqualFold(one, r.id.subscription) }) || !s.allowed(caller, r.id.kind+"/read", id) {
			continue
		}
		row := graph.Row(clone(r.document))
		delete(row, "etag")
		row["type"], row["resourceGroup"], row["subscriptionId"], row["tenantId"] = strings.ToLower(r.id.kind), strings.ToLower(r.id.group), r.id.subscription, caller.Tenant
		table := graph.Resources
		if r.id.kind == groupKind {
			table, row["type"] = graph.Containers, "microsoft.resources/subscriptions/resourcegroups"
		}
		// The gateway's SKU lies in its properties; the column is for others.
		for _, text := range []string{"kind", "managedBy"} {
			if row[text] == nil {
				row[text] = ""
			}
		}
		tables[table] = append(tables[table], row)
	}
	for _, subscription := range s.o.Subscriptions {
		if slices.Contains(subscriptions, subscription.ID) {
			tables[graph.Containers] = append(tables[graph.Containers], graph.Row{"id": "/subscriptions/" + subscription.ID, "name": subscription.Name,
				"type": "microsoft.resources/subscriptions", "subscriptionId": subscription.ID, "tenantId": subscription.Tenant})
		}
	}
	return tables
}

func invalidQuery(err error) *failure {
	f := badQuery("InvalidQuery", "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error before retrying.")
	var where *graph.Error
	if errors.As(err, &where) {
		f.Details = append(f.Details, detail{Code: "ParserFailure", Message: "ParserFailure: " + where.Message, Line: where.Line, Column: where.Column, Token: where.Token})
	}
	return f
}

func badQuery(code, message string) *failure {
	return fail(http.StatusBadRequest, "BadRequest", "Please provide below info when asking for support: timestamp = %s, correlationId = %s.", time.Now().UTC().Format(time.RFC3339Nano), uuid.NewString()).with(code, "%s", message)
}

// number reads a JSON number as an int.
func number(v any) int {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return int(i)
}
