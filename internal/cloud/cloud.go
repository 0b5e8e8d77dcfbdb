// Package cloud speaks with Azure: which clouds there are, how to sign in, and
// Resource Manager. It knows nothing of ArcGIS.
//
// Resource Manager is read and written as JSON trees ([Document]), never
// through typed structs, because a gateway is changed by GET, modify, PUT of
// the whole document and a typed struct silently drops each property that is
// newer than itself. What Cartouche does not understand goes back as it came.
package cloud

// Document is a JSON object from Resource Manager. Numbers are json.Number, so
// that nothing is rounded on the way back. It is a named type because azcore's
// pollers refuse nameless ones.
type Document map[string]any
