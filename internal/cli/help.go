package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help writes the help of a command to stdout: it was asked for, so it is the result.
func (a *app) help(cmd *cobra.Command, _ []string) {
	u := newUI(a.env, false, a.flags.noColor)
	h := helper{u}
	if !cmd.HasParent() {
		h.root(cmd)
		return
	}
	h.command(cmd)
}

type helper struct{ *ui }

func (h helper) root(cmd *cobra.Command) {
	h.text(cmd.Long)
	h.heading("Usage")
	h.text("  cartouche COMMAND [flags]")
	for _, group := range cmd.Groups() {
		h.commands(group.Title, cmd, group.ID)
	}
	h.commands("More", cmd, "")
	h.heading("Examples")
	h.text(cmd.Example)
	fmt.Fprintln(h.out)
	h.text("Flags, environment variables and exit status of a command: cartouche COMMAND --help")
}

func (h helper) commands(heading string, cmd *cobra.Command, group string) {
	var list []*cobra.Command
	for _, sub := range cmd.Commands() {
		if sub.GroupID == group && (sub.IsAvailableCommand() || sub.Name() == "help") {
			list = append(list, sub)
		}
	}
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b *cobra.Command) int { return cmp.Compare(place(a), place(b)) })
	h.heading(heading)
	for _, sub := range list {
		h.say("  ", accent(fmt.Sprintf("%-13s", sub.Name())), lowerFirst(sub.Short))
	}
}

// place is where a command stands in the list: in the order in which people
// use them, not by the alphabet.
func place(cmd *cobra.Command) int {
	order := []string{"demo", "sim", "login", "logout", "account", "deployments", "show", "check", "verify", "vaults", "certificates", "history", "plan", "apply", "upload", "undo", "clean"}
	if i := slices.Index(order, cmd.Name()); i >= 0 {
		return i
	}
	return len(order)
}

func (h helper) command(cmd *cobra.Command) {
	h.text(cmd.Short)
	if cmd.Long != "" {
		fmt.Fprintln(h.out)
		h.text(cmd.Long)
	}
	h.heading("Usage")
	h.text("  " + cmd.UseLine())
	h.subcommands(cmd)
	if cmd.Example != "" {
		h.heading("Examples")
		h.text(cmd.Example)
	}
	own := cmd.Flags()
	own.SortFlags = false
	for _, group := range []string{"Flags", "Deployment", "Logins", "Azure"} {
		h.flags(group, own, func(flag *pflag.Flag) bool {
			return cmd.InheritedFlags().Lookup(flag.Name) == nil && flagGroup(flag) == group
		})
	}
	h.flags("Flags of every command", cmd.InheritedFlags(), func(*pflag.Flag) bool { return true })
	h.exitStatus(cmd)
}

func (h helper) subcommands(cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	h.commands("Commands", cmd, "")
}

// exitStatus lists the statuses that a command can end with.
func (h helper) exitStatus(cmd *cobra.Command) {
	codes := exitCodesOf(cmd)
	if len(codes) == 0 {
		return
	}
	h.heading("Exit status")
	for _, status := range statuses() {
		for _, code := range codes {
			if code == status.code {
				h.say(fmt.Sprintf("  %3d  ", code), status.meaning)
			}
		}
	}
}

// flags shows the flags that belong under a heading.
func (h helper) flags(heading string, flags *pflag.FlagSet, belongs func(*pflag.Flag) bool) {
	widest := 0
	var rows [][2]string
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || flag.Name == "help" || !belongs(flag) {
			return
		}
		// The name of the value stands in backquotes at the end of our texts.
		kind, use := pflag.UnquoteUsage(flag)
		if flag.Value.Type() == "bool" {
			kind = ""
		}
		head := strings.TrimRight("--"+flag.Name+" "+kind, " ")
		widest = max(widest, len(head))
		rows = append(rows, [2]string{head, strings.TrimSpace(strings.TrimSuffix(use, kind))})
	})
	if len(rows) == 0 {
		return
	}
	h.heading(heading)
	for _, row := range rows {
		gap := strings.Repeat(" ", widest-len(row[0])+2)
		text := h.fold(h.outStyle.render(words(row[1])), 0, 2+widest+2)
		fmt.Fprintln(h.out, "  "+h.outStyle.render(words(accent(row[0])))+gap+text)
	}
}

// flagGroupKey is where a flag keeps the heading that it stands under.
const flagGroupKey = "group"

// groupFlags puts flags under a heading of the help.
func groupFlags(flags *pflag.FlagSet, group string, names ...string) {
	for _, name := range names {
		flag := flags.Lookup(name)
		if flag.Annotations == nil {
			flag.Annotations = map[string][]string{}
		}
		flag.Annotations[flagGroupKey] = []string{group}
	}
}

func flagGroup(flag *pflag.Flag) string {
	if group := flag.Annotations[flagGroupKey]; len(group) == 1 {
		return group[0]
	}
	return "Flags"
}

// text writes our own text, whose line breaks are meant.
func (h helper) text(text string) {
	for row := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(h.out, h.outStyle.render(words(row)))
	}
}

func lowerFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// exitCodesKey is where a command keeps its exit statuses for its help.
const exitCodesKey = "exit"

// exits gives a command its exit statuses.
func exits(cmd *cobra.Command, codes ...int) *cobra.Command {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[exitCodesKey] = strings.Trim(fmt.Sprint(codes), "[]")
	return cmd
}

func exitCodesOf(cmd *cobra.Command) []int {
	var codes []int
	for text := range strings.FieldsSeq(cmd.Annotations[exitCodesKey]) {
		var code int
		if _, err := fmt.Sscan(text, &code); err == nil {
			codes = append(codes, code)
		}
	}
	return codes
}
