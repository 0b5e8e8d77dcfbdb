package cli_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cartouche-gis/cartouche/internal/cli"
)

var commands = []string{
	"demo", "sim", "login", "logout", "account", "account tenants", "account subscriptions", "deployments", "show", "check",
	"verify", "vaults", "certificates", "history", "plan", "rehearse", "apply", "upload", "undo", "clean", "serve",
}

// What the shell is offered is what a command has; help must tell all of it.
func TestHelpTellsEveryFlag(t *testing.T) {
	for _, command := range commands {
		words := strings.Fields(command)
		_, offered, _ := run(t, nil, append(append([]string{"__complete"}, words...), "--")...)
		_, help, _ := run(t, nil, append(words, "--help")...)
		flags := 0
		for text := range strings.SplitSeq(offered, "\n") {
			flag, _, _ := strings.Cut(text, "\t")
			if !strings.HasPrefix(flag, "--") || flag == "--help" {
				continue
			}
			flags++
			if !strings.Contains(help, "\n  "+flag+" ") {
				t.Errorf("cartouche %s --help does not tell %s", command, flag)
			}
		}
		if flags < 4 {
			t.Errorf("cartouche %s: the shell is offered %d flags:\n%s", command, flags, offered)
		}
	}
}

func TestHelpFitsTheTerminal(t *testing.T) {
	const width = 80
	narrow := func(env *cli.Environment) { env.Width = width }
	for _, command := range append(commands, "") {
		_, help, _ := run(t, narrow, append(strings.Fields(command), "--help")...)
		for text := range strings.SplitSeq(help, "\n") {
			// Examples are to be copied; so they are left to the terminal.
			if utf8.RuneCountInString(text) > width && !strings.HasPrefix(text, "  cartouche ") {
				t.Errorf("cartouche %s --help: wider than %d: %s", command, width, text)
			}
		}
	}
}

func TestATableIsBrokenBetweenWords(t *testing.T) {
	got := cli.Terminal(50, func(table func([]string, ...[]string), _ func(string)) {
		table([]string{"name", "serves", "gateway"},
			[]string{"maps-disabled-long", "maps.example.com", "not opened, since it is long"},
			[]string{"shop", "shop.example.com, maps.example.com", "usable"})
	})
	want := `name                serves             gateway
maps-disabled-long  maps.example.com   not opened,
                                       since it is
                                       long
shop                shop.example.com,  usable
                    maps.example.com
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestATableBreaksAWordOnlyWhenItMust(t *testing.T) {
	got := cli.Terminal(40, func(table func([]string, ...[]string), _ func(string)) {
		table([]string{"name", "serves"}, []string{"arcgis-enterprise-ingress", "gis.department.example.org"})
	})
	want := `name                 serves
arcgis-enterprise-i  gis.department.exam
ngress               ple.org
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestACommandInAnAdviceCanBeCopied(t *testing.T) {
	const command = `az role assignment create --role "Key Vault Reader" --assignee cb26490f-2019-4ced-88d5-4d07531e9f94 --scope /subscriptions/1/x`
	for advice, want := range map[string]string{
		"a role is missing, which works some minutes after it was given, not at once: " + command: `    mend: a role is missing, which works some minutes
    after it was given, not at once:
    ` + command + "\n",
		command:                         "    mend: " + command + "\n",
		"run it again: cartouche apply": "    mend: run it again: cartouche apply\n",
		"when all is well: cartouche clean ent; to go back: cartouche undo": `    mend: when all is well: cartouche clean ent; to go
    back: cartouche undo
`,
		"cartouche verify ent, then the same command again; what happened: cartouche history": `    mend: cartouche verify ent, then the same command
    again; what happened: cartouche history
`,
		"take the long-awaited certificate-of-the-year to the file": `    mend: take the long-awaited
    certificate-of-the-year to the file
`,
	} {
		if got := cli.Terminal(54, func(_ func([]string, ...[]string), say func(string)) { say(advice) }); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}
