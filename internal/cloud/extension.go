package cloud

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"
)

// Extension is a read-only view of an extension of a virtual machine.
type Extension struct {
	Name string
	// Publisher and Type say what it is: "Microsoft.Powershell", "DSC".
	Publisher, Type, Version string
	// ProvisioningState is how the last write went.
	ProvisioningState string
	// Status and Message are the extension's own last words.
	Status, Message string

	document Document
}

// Is tells whether the extension is of a publisher's kind; case does not matter.
func (e Extension) Is(publisher, kind string) bool {
	return strings.EqualFold(e.Publisher, publisher) && strings.EqualFold(e.Type, kind)
}

// Document is a deep copy of the whole document. Protected settings are never
// in it: Azure does not give them back.
func (e Extension) Document() Document { return e.document.Clone() }

// Settings is a deep copy of the public settings.
func (e Extension) Settings() Document {
	return Document(objectAt(e.document, "properties", "settings")).Clone()
}

// Extensions lists the extensions of a virtual machine.
// Source: Azure REST reference, Virtual Machine Extensions - List.
func (rm *ResourceManager) Extensions(ctx context.Context, vmID string) ([]Extension, error) {
	a := attempt{operation: "list", object: "extensions of " + describe(vmID)}
	// This list is never paged: a machine has at most some dozen.
	document, err := rm.get(ctx, a, rm.address(vmID+"/extensions", ComputeAPI, nil))
	if err != nil {
		return nil, err
	}
	var list []Extension
	for _, item := range objects(document["value"]) {
		list = append(list, newExtension(item))
	}
	return list, nil
}

// Extension reads one extension with its instance view.
func (rm *ResourceManager) Extension(ctx context.Context, vmID, name string) (Extension, error) {
	id := vmID + "/extensions/" + url.PathEscape(name)
	a := attempt{operation: "read", object: describe(id)}
	document, err := rm.get(ctx, a, rm.address(id, ComputeAPI, url.Values{"$expand": {"instanceView"}}))
	if err != nil {
		return Extension{}, err
	}
	return newExtension(document), nil
}

func newExtension(document Document) Extension {
	properties := objectAt(document, "properties")
	e := Extension{
		Name:              clean(textAt(document, "name"), 200),
		Publisher:         clean(textAt(properties, "publisher"), 200),
		Type:              clean(textAt(properties, "type"), 200),
		Version:           clean(textAt(properties, "typeHandlerVersion"), 50),
		ProvisioningState: clean(textAt(properties, "provisioningState"), 50),
		document:          document,
	}
	for _, status := range listAt(properties, "instanceView", "statuses") {
		e.Status = clean(cmp.Or(textAt(status, "displayStatus"), textAt(status, "code")), 200)
		e.Message = clean(textAt(status, "message"), maximumText)
	}
	return e
}

// PutExtension writes an extension, once, and gives back the operation that
// carries it out. What Azure adds by itself is taken out of the document first.
func (rm *ResourceManager) PutExtension(ctx context.Context, vmID, name string, document Document) (*Operation, error) {
	document = document.Clone()
	for _, made := range []string{"id", "name", "type", "etag"} {
		delete(document, made)
	}
	if properties := objectAt(document, "properties"); properties != nil {
		delete(properties, "provisioningState")
		delete(properties, "instanceView")
	}
	return rm.Put(ctx, vmID+"/extensions/"+url.PathEscape(name), ComputeAPI, document, "")
}

// readTime reads a time of Azure, zero when it is none.
func readTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return at
}
