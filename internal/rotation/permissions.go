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
	for _, scope := range scopesOf(operations) {
		place, asked := access.at(scope)
		if !asked {
			continue
		}
		here := slices.DeleteFunc(slices.Clone(operations), func(o Operation) bool { return !cloud.SameID(o.Scope, scope) })
		found = append(found, missing(place, here, access.Caller)...)
		found = append(found, denied(place, here, access.Caller)...)
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

// missing are the operations that no role of the caller permits at a place: one
// finding for each role that would.
func missing(place Place, operations []Operation, caller string) pki.Findings {
	var byRole []cloud.Right
	var byPolicy []string
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
	found := policyUnknown(place, byPolicy, caller)
	switch {
	case len(byRole) == 0:
		return found
	case place.PermissionsUnread != "":
		return append(found, pki.Finding{
			Code: "permissions-unread", Severity: pki.Warning,
			Sentence: fmt.Sprintf("the account's permissions on %s could not be read: %s", placeName(place.Scope), place.PermissionsUnread),
		})
	}
	for _, role := range cloud.SmallestRoles(byRole) {
		mend := cloud.GrantCommand(role.Role, caller, place.Scope)
		if role.Role == "" {
			mend = "ask for a role that has this action, on " + place.Scope
		}
		found = append(found, pki.Finding{
			Code: "permission-missing", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("the signed-in account may not do %s on %s", actionList(role.Rights), placeName(place.Scope)),
			Mend:     mend,
		})
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
	if place.DenialsUnread != "" {
		return pki.Findings{{
			Code: "denials-unread", Severity: pki.Note,
			Sentence: fmt.Sprintf("the deny assignments on %s could not be read: %s", placeName(place.Scope), place.DenialsUnread),
		}}
	}
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
				Sentence: fmt.Sprintf("the deny assignment %q on %s names a group; if the account is among those it is about, %s on %s is forbidden",
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

// placeNames are the words for resources, by type in lower case.
var placeNames = map[string]string{
	"microsoft.network/applicationgateways":                              "the gateway",
	"microsoft.network/virtualnetworks/subnets":                          "the subnet",
	"microsoft.network/publicipaddresses":                                "the public IP address",
	"microsoft.network/applicationgatewaywebapplicationfirewallpolicies": "the firewall policy",
	"microsoft.managedidentity/userassignedidentities":                   "the identity",
	"microsoft.keyvault/vaults":                                          "the vault",
}

// placeName names a scope for people.
func placeName(scope string) string {
	if id, err := cloud.ParseResourceID(scope); err == nil {
		if word, known := placeNames[strings.ToLower(id.Type)]; known {
			return word + " " + id.Name
		}
		return id.Type + " " + id.Name
	}
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	switch name := parts[len(parts)-1]; {
	case len(parts) == 2 && strings.EqualFold(parts[0], "subscriptions"):
		return "the subscription " + name
	case len(parts) == 4 && strings.EqualFold(parts[2], "resourceGroups"):
		return "the resource group " + name
	}
	return scope
}

func actionList(rights []cloud.Right) string {
	var names []string
	for _, right := range rights {
		names = append(names, right.Action)
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
