package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// browserStarts is how long a program that opens the browser may take to fail.
// Those that succeed end at once or, where they are the browser, not at all.
const browserStarts = time.Second

// openBrowser opens an address in the browser of this computer. Others may see it
// among the running programs: that of a sign-in holds no secret, and that of the
// pages is good once and, where others do see it, for this user alone (package
// door).
func openBrowser(ctx context.Context, address string) error {
	name, args, err := browserCommand(address)
	if err != nil {
		return err
	}
	command := exec.Command(name, args...)
	command.Env = secret.Environ()
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, errors.Unwrap(err))
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	case <-time.After(browserStarts):
	case <-ctx.Done():
	}
	return nil
}

// browserCommand is the operating system's way to open an address.
func browserCommand(address string) (string, []string, error) {
	if browser := os.Getenv("BROWSER"); browser != "" {
		return browser, []string{address}, nil
	}
	switch runtime.GOOS {
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler", address}, nil
	case "darwin":
		return "open", []string{address}, nil
	}
	// Without a screen xdg-open would take a browser for terminals, over our own output.
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return "", nil, errors.New("there is no screen (DISPLAY is not set)")
	}
	return "xdg-open", []string{address}, nil
}
