package cloud

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// GrantCommand is what somebody who may give roles types to give one. An
// objectID of "" stays to be filled in.
func GrantCommand(role, objectID, scope string) string {
	if objectID == "" {
		objectID = "OBJECT-ID-OF-THE-ACCOUNT"
	}
	name := role
	if strings.Contains(name, " ") {
		name = `"` + name + `"`
	}
	return fmt.Sprintf("az role assignment create --assignee-object-id %s --role %s --scope %s", ShellWord(objectID), name, ShellWord(scope))
}

// Refusals name who may not do what where.
// Source: Azure documentation, "Troubleshoot Azure RBAC"; the linked form from
// azure-docs#118359 and many others.
var (
	notAuthorized = regexp.MustCompile(`with object id '([0-9a-fA-F-]{36})' does not have authorization to perform action '([A-Za-z0-9./]{3,200})' over scope '(/[^'"\\\s]{3,400})'`)
	notLinked     = regexp.MustCompile(`with object id '([0-9a-fA-F-]{36})' has permission.{0,800}does not have permission to perform action\(s\) '([A-Za-z0-9./]{3,200})' on the linked scope\(s\) '(/[^'"\\\s]{3,400})'`)
)

// grantHint makes the command of a refusal that names who, what and where;
// "" of any other.
func grantHint(body string) string {
	found := notAuthorized.FindStringSubmatch(body)
	if found == nil {
		found = notLinked.FindStringSubmatch(body)
	}
	if found == nil {
		return ""
	}
	role := SmallestRoles([]Right{{Action: found[2]}})[0].Role
	if role == "" {
		return ""
	}
	return "a role is missing, which works some minutes after it was given: " + GrantCommand(role, found[1], found[3])
}

// ShellWord quotes an id for a command line when it must be: groups may have
// parentheses in their names. A shell of Unix and PowerShell read nothing between
// single quotes; a text that could end them, or is an option, is left out.
func ShellWord(id string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r)
	}
	switch {
	case strings.HasPrefix(id, "-"), strings.ContainsFunc(id, unicode.IsControl), strings.ContainsAny(id, "'‘’‚‛"):
		return "NAME" // no id of Azure is like that
	case strings.ContainsFunc(id, func(r rune) bool { return !plain(r) }):
		return "'" + id + "'"
	}
	return id
}
