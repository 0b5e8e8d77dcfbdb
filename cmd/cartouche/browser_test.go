package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestTheBrowserIsTheOneThatIsNamed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for a browser is a shell script")
	}
	folder := t.TempDir()
	browser, seen := filepath.Join(folder, "browser"), filepath.Join(folder, "seen")
	write := func(script string) {
		if err := os.WriteFile(browser, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("BROWSER", browser)
	write(`printf %s "$1" > ` + seen)
	const address = "https://login.example/?a=1&b='2'"
	if err := openBrowser(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(seen); string(got) != address {
		t.Errorf("got %q", got)
	}
	t.Setenv("AZURE_CLIENT_SECRET", "open sesame")
	write("exit ${#AZURE_CLIENT_SECRET}")
	if err := openBrowser(t.Context(), address); err != nil {
		t.Errorf("it inherits a secret: %v", err)
	}
	write("exit 3")
	if err := openBrowser(t.Context(), address); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
	t.Setenv("BROWSER", filepath.Join(folder, "none"))
	if err := openBrowser(t.Context(), address); err == nil {
		t.Error("started what is not there")
	}
}

func TestWithoutAScreenThereIsNoBrowser(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("a screen is taken for granted there")
	}
	for _, name := range []string{"BROWSER", "DISPLAY", "WAYLAND_DISPLAY"} {
		t.Setenv(name, "")
	}
	if err := openBrowser(t.Context(), "https://login.example/"); err == nil || !strings.Contains(err.Error(), "no screen") {
		t.Errorf("got %v", err)
	}
}
