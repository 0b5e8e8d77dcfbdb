package rotation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// accessCodes are the codes of accessFindings.
var accessCodes = []string{"permission-missing", "permissions-unread", "vault-policy-unknown", "denied-by-assignment", "may-be-denied", "denials-unread", "gateway-locked", "locks-unread"}

// accessFindings hold operations against what the caller may do. What a role
// lacks, a deny assignment forbids or a lock stops is a refusal, since Azure
// would refuse it in the middle of the run; what could not be asked is only
// told, since Azure decides for itself.
func accessFindings(access Access, operations []Operation) pki.Findings {
	var found pki.Findings
	var unread, denialsUnread []Place
	for _, scope := range scopesOf(operations) {
		place, asked := access.at(scope)
		if !asked {
			continue
		}
		here := slices.DeleteFunc(slices.Clone(operations), func(o Operation) bool { return !cloud.SameID(o.Scope, scope) })
		byRole, byPolicy := lacking(place, here, access.Caller)
		found = append(found, policyUnknown(place, byPolicy, access.Caller)...)
		if place.PermissionsUnread == "" {
			found = append(found, missing(place, byRole, access.Caller)...)
		} else if len(byRole) > 0 {
			unread = append(unread, place)
		}
		if place.DenialsUnread != "" {
			denialsUnread = append(denialsUnread, place)
		}
		found = append(found, denied(place, here, access.Caller)...)
	}
	if len(unread) > 0 {
		found = append(found, pki.Finding{
			Code: "permissions-unread", Severity: pki.Warning,
			Sentence: fmt.Sprintf("the account's permissions on %s could not be read: %s", placeList(unread), unread[0].PermissionsUnread),
		})
	}
	if len(denialsUnread) > 0 {
		found = append(found, pki.Finding{
			Code: "denials-unread", Severity: pki.Note,
			Sentence: fmt.Sprintf("the deny assignments on %s could not be read: %s", placeList(denialsUnread), denialsUnread[0].DenialsUnread),
		})
	}
	if slices.ContainsFunc(operations, func(o Operation) bool { return o.Action == gatewayWrite }) {
		found = append(found, locked(access)...)
	}
	return dedupe(found)
}

// withoutAccess leaves out what accessFindings found, to be judged for another
// set of operations.
func withoutAccess(findings pki.Findings) pki.Findings {
	return slices.DeleteFunc(slices.Clone(findings), func(f pki.Finding) bool { return slices.Contains(accessCodes, f.Code) })
}

// lacking are the rights for operations at a place that the caller does not
// have: those that a role would bring, and those that an access policy would.
func lacking(place Place, operations []Operation, caller string) (byRole []cloud.Right, byPolicy []string) {
	for _, operation := range operations {
		right := operation.right()
		switch {
		case right.Data && place.Vault != nil && !place.Vault.RBAC:
			if !place.Vault.PolicyAllowsData(caller, right.Action) {
				byPolicy = append(byPolicy, right.Action)
			}
		case right.Data && place.Permissions.AllowsData(right.Action), !right.Data && place.Permissions.Allows(right.Action):
		default:
			byRole = append(byRole, right)
		}
	}
	return byRole, byPolicy
}

// missing tells of rights that no role of the caller brings: one finding for
// each role that would.
func missing(place Place, rights []cloud.Right, caller string) pki.Findings {
	if len(rights) == 0 {
		return nil
	}
	var found pki.Findings
	for _, role := range cloud.SmallestRoles(rights) {
		mend := cloud.GrantCommand(role.Role, caller, place.Scope)
		if role.Role == "" {
			mend = "ask for a role that has this action, on " + place.Scope
		}
		sentence := fmt.Sprintf("the signed-in account may not do %s on %s", actionList(role.Rights), placeName(place.Scope))
		if slices.ContainsFunc(role.Rights, func(right cloud.Right) bool { return right.Action == cloud.WriteTags }) {
			sentence += ", which keeps two runs from working at the same time (--no-lease goes on without)"
		}
		found = append(found, pki.Finding{Code: "permission-missing", Severity: pki.Refusal, Sentence: sentence, Mend: mend})
	}
	return found
}

// policyUnknown tells of data actions for which no access policy names the
// account. One for a group that it is in may give them, so this is no refusal.
func policyUnknown(place Place, dataActions []string, caller string) pki.Findings {
	if len(dataActions) == 0 {
		return nil
	}
	return pki.Findings{{
		Code: "vault-policy-unknown", Severity: pki.Note,
		Sentence: fmt.Sprintf("no access policy of %s names the signed-in account for %s; whether one for a group that it is in does cannot be known from here",
			placeName(place.Scope), strings.Join(dataActions, ", ")),
		Mend: place.Vault.SetPolicyCommand(caller, dataActions),
	}}
}

// denied are the operations that a deny assignment forbids at a place, whatever
// roles the caller has: one finding for each assignment.
func denied(place Place, operations []Operation, caller string) pki.Findings {
	var found pki.Findings
	for _, denial := range place.Denials {
		hit := map[cloud.Denial][]cloud.Right{}
		for _, operation := range operations {
			how := denial.Denies(caller, place.Scope, operation.right())
			hit[how] = append(hit[how], operation.right())
		}
		if rights := hit[cloud.Denied]; len(rights) > 0 {
			found = append(found, pki.Finding{
				Code: "denied-by-assignment", Severity: pki.Refusal,
				Sentence: fmt.Sprintf("the deny assignment %q on %s forbids %s on %s, whatever roles are given", denial.Name, placeName(denial.Scope), actionList(rights), placeName(place.Scope)),
				Mend:     "ask whoever manages the application or deployment stack behind it to exclude this account: " + denial.ID,
			})
		}
		if rights := hit[cloud.MayBeDenied]; len(rights) > 0 {
			found = append(found, pki.Finding{
				Code: "may-be-denied", Severity: pki.Warning,
				Sentence: fmt.Sprintf("the deny assignment %q on %s is about certain groups or accounts; if the signed-in one is among them, %s on %s is forbidden",
					denial.Name, placeName(denial.Scope), actionList(rights), placeName(place.Scope)),
				Mend: "look at its groups: " + denial.ID,
			})
		}
	}
	return found
}

// locked are the locks that stop a write of the gateway. CanNotDelete does not.
func locked(access Access) pki.Findings {
	if access.LocksUnread != "" {
		return pki.Findings{{
			Code: "locks-unread", Severity: pki.Warning,
			Sentence: "the locks on the gateway could not be read: " + access.LocksUnread,
		}}
	}
	var found pki.Findings
	for _, lock := range access.Locks {
		if !strings.EqualFold(lock.Level, "ReadOnly") {
			continue
		}
		sentence := fmt.Sprintf("the lock %q (ReadOnly) on %s forbids changing the gateway", lock.Name, placeName(lock.Scope))
		if lock.Notes != "" {
			sentence += fmt.Sprintf("; its note says %q", lock.Notes)
		}
		found = append(found, pki.Finding{
			Code: "gateway-locked", Severity: pki.Refusal, Sentence: sentence,
			Mend: lock.DeleteCommand(),
		})
	}
	return found
}
