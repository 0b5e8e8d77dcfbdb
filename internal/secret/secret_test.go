package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

const canary = "canary-7f3a"

// holder has the secret where fmt cannot call its methods.
type holder struct {
	Name   string
	hidden secret.Secret
}

func TestSecretNeverPrintsItself(t *testing.T) {
	s := secret.New(canary)
	h := holder{Name: "h", hidden: s}

	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&printed, verb+"\n", s)
		fmt.Fprintf(&printed, verb+"\n", &s)
		fmt.Fprintf(&printed, verb+"\n", h)
		fmt.Fprintf(&printed, verb+"\n", []secret.Secret{s})
		fmt.Fprintf(&printed, verb+"\n", map[string]secret.Secret{"k": s})
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
		slog.New(handler).Info("message", "secret", s, "holder", h)
	}
	data, err := json.Marshal(map[string]any{"s": s, "h": h})
	if err != nil {
		t.Fatal(err)
	}
	printed.Write(data)

	hexed := fmt.Sprintf("%x", canary)
	if text := printed.String(); strings.Contains(text, canary) || strings.Contains(strings.ToLower(text), hexed) {
		t.Errorf("the secret was printed:\n%s", text)
	}
}

func TestRevealGivesTheContent(t *testing.T) {
	if got := secret.New(canary).Reveal(); got != canary {
		t.Errorf("Reveal() = %q, want %q", got, canary)
	}
	var zero secret.Secret
	if zero.Reveal() != "" || !zero.Empty() || !secret.New("").Empty() || secret.New(canary).Empty() {
		t.Error("Empty and Reveal disagree about what is empty")
	}
}
