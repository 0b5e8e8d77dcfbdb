// Package cloud speaks with Azure: which clouds there are, how to sign in, and
// Resource Manager. It knows nothing of ArcGIS.
//
// Resource Manager is read and written as JSON trees ([Document]), never
// through typed structs, because a gateway is changed by GET, modify, PUT of
// the whole document and a typed struct silently drops each property that is
// newer than itself. What Cartouche does not understand goes back as it came.
//
// Everything that goes wrong in Azure is an [*Error], which says what was
// attempted on what, Azure's own code, and what to do about it.
package cloud
