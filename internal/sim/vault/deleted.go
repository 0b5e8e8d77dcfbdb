package vault

import (
	"net/http"
	"strings"
	"time"
)

// begin puts an object into a passing state.
func (c call) begin(o *object, to state) {
	now := c.ground.Clock.Now()
	o.state, o.until = to, now.Add(c.ground.Clock.Short(c.o.Guesses.Settle))
}

// finishWaiting ends the passing states whose time has come, and purges what
// was deleted longer ago than the vault keeps it.
func (c call) finishWaiting() {
	now := c.ground.Clock.Now()
	for name, o := range c.vault.objects {
		kept := time.Duration(c.retention.days) * 24 * time.Hour
		switch over := !now.Before(o.until); {
		case o.state == deleting && over:
			o.state = deleted
		case o.state == recovering && over:
			o.state = live
		case o.state == purging && over, o.state == deleted && now.After(o.deleted.Add(kept)):
			delete(c.vault.objects, name)
		}
	}
}

// remove is the soft delete: key and secret of a certificate go with it.
// Source: Key Vault soft-delete overview; REST reference, Delete Certificate.
func (c call) remove() (any, *failure) {
	o, f := c.find()
	if f != nil {
		return nil, f
	}
	if c.kind == "secrets" && o.certificate {
		return nil, managed("delete")
	}
	c.begin(o, deleting)
	o.deleted = c.ground.Clock.Now()
	c.record(o, nil, "delete")
	return c.deletedItem(o, true), nil
}

// deletedItem is an object with when it was deleted and will be purged.
// Source: GetDeletedCertificate-example.json.
func (c call) deletedItem(o *object, full bool) map[string]any {
	out := c.item(c.kind, o, o.newest(), full)
	if full && c.kind == "certificates" {
		out = c.bundle(o, o.newest())
	}
	out["recoveryId"] = c.vault.base + "/deleted" + c.kind + "/" + o.name
	out["deletedDate"] = o.deleted.Unix()
	out["scheduledPurgeDate"] = o.deleted.AddDate(0, 0, c.retention.days).Unix()
	return out
}

// findDeleted is an object that can be recovered or purged.
func (c call) findDeleted() (*object, *failure) {
	o, ok := c.vault.objects[strings.ToLower(c.name)]
	if !ok || o.state != deleted || c.kind == "certificates" && !o.certificate {
		return nil, notDeleted(c.kind, c.name)
	}
	return o, nil
}

func (c call) getDeleted() (any, *failure) {
	o, f := c.findDeleted()
	if f != nil {
		return nil, f
	}
	return c.deletedItem(o, true), nil
}

// waiting refuses to recover or purge while an object is on its way.
// guess: 409 with the inner codes; reported are 404 and 409 "for seconds".
func (c call) waiting() *failure {
	o, ok := c.vault.objects[strings.ToLower(c.name)]
	switch {
	case ok && (o.state == deleting || o.state == purging):
		return fail(http.StatusConflict, "Conflict", "%s is currently being deleted.", c.name).inner("ObjectIsBeingDeleted")
	case ok && o.state == recovering:
		return fail(http.StatusConflict, "Conflict", "There was a conflict while recovering the soft-deleted object '%s'.", c.id(c.kind, o, o.newest())).inner("ObjectIsBeingRecovered")
	case ok && c.kind == "secrets" && o.certificate:
		return managed("recover")
	}
	return nil
}

// recover makes an object live again, after a while.
// Source: Key Vault REST reference, Recover Deleted Certificate.
func (c call) recover() (any, *failure) {
	if f := c.waiting(); f != nil {
		return nil, f
	}
	o, f := c.findDeleted()
	if f != nil {
		return nil, f
	}
	c.begin(o, recovering)
	c.record(o, nil, "recover")
	if c.kind == "certificates" {
		return c.bundle(o, o.newest()), nil
	}
	return c.item("secrets", o, o.newest(), true), nil
}

// purge is answered 204.
func (c call) purge() (any, *failure) {
	if f := c.waiting(); f != nil {
		return nil, f
	}
	o, f := c.findDeleted()
	if f != nil {
		return nil, f
	}
	if c.retention.protected {
		// guess: code and text; documented is that nobody can purge.
		return nil, fail(http.StatusForbidden, "Forbidden", "Operation \"purge\" is not allowed because purge protection is enabled for this vault.").inner("ForbiddenByPolicy")
	}
	c.begin(o, purging)
	c.record(o, nil, "purge")
	return nil, nil
}
