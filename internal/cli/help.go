package cli

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// help writes the help of a command to stdout: it was asked for, so it is the result.
func (a *program) help(cmd *cobra.Command, _ []string) {
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
	widest := len("certificates") // so that all groups of the front page agree
	for _, sub := range list {
		widest = max(widest, len(sub.Name()))
	}
	for _, sub := range list {
		head := "  " + h.outStyle.render(words(accent(fmt.Sprintf("%-*s", widest, sub.Name())))) + "  "
		fmt.Fprintln(h.out, head+h.fold(h.outStyle.render(words(lowerFirst(sub.Short))), 0, lipgloss.Width(head)))
	}
}

// place is where a command stands in the list: in the order in which people
// use them, not by the alphabet.
func place(cmd *cobra.Command) int {
	order := []string{"demo", "sim", "login", "logout", "account", "deployments", "show", "check", "verify", "vaults", "certificates", "history", "plan", "rehearse", "apply", "upload", "undo", "clean"}
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
	fmt.Fprintln(h.out, h.fold(h.outStyle.render(words(cmd.UseLine())), 2, 4))
	h.subcommands(cmd)
	if cmd.Example != "" {
		h.heading("Examples")
		h.text(cmd.Example)
	}
	own := cmd.Flags()
	own.SortFlags = false
	for _, group := range flagGroups(own) {
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
	for _, status := range app.Statuses() {
		for _, code := range codes {
			if code == status.Code {
				fmt.Fprintln(h.out, fmt.Sprintf("  %3d  ", code)+h.fold(h.outStyle.render(words(status.Meaning)), 0, 7))
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

// flagGroups are the headings of a command's flags, in the order in which its
// flags were made, its own first.
func flagGroups(flags *pflag.FlagSet) []string {
	groups := []string{"Flags"}
	flags.VisitAll(func(flag *pflag.Flag) {
		if group := flagGroup(flag); !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	})
	return groups
}

func flagGroup(flag *pflag.Flag) string {
	if group := flag.Annotations[flagGroupKey]; len(group) == 1 {
		return group[0]
	}
	return "Flags"
}

// text writes our own text, whose line breaks are meant, except within a
// paragraph on a terminal that is narrower than it was written for. Examples are
// left to the terminal, so that they can be copied.
func (h helper) text(text string) {
	var paragraph []string
	end := func() {
		if len(paragraph) > 0 {
			fmt.Fprintln(h.out, h.fold(h.outStyle.render(words(strings.Join(paragraph, " "))), 0, 0))
		}
		paragraph = nil
	}
	narrow := false
	for row := range strings.SplitSeq(text, "\n") {
		narrow = narrow || h.width > 0 && lipgloss.Width(row) > h.width
	}
	for row := range strings.SplitSeq(text, "\n") {
		if narrow && row != "" && row[0] != ' ' {
			paragraph = append(paragraph, row)
			continue
		}
		end()
		if head := entry.FindString(row); head != "" {
			fmt.Fprintln(h.out, h.outStyle.render(words(head))+h.fold(h.outStyle.render(words(row[len(head):])), 0, len(head)))
			continue
		}
		fmt.Fprintln(h.out, h.outStyle.render(words(row)))
	}
	end()
}

// entry is the beginning of a row in a list: a name, and the gap behind it.
var entry = regexp.MustCompile(`^ +\S+ {2,}`)

func upperFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
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
