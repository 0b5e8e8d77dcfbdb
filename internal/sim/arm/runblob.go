package arm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/computer"
)

// What a machine itself asks of Blob Storage, over its own network, with the
// signature that it was given and nothing else.
// Source: Azure Blob Storage REST API, Put Blob, Append Block, Get Blob.

const blobVersion = "2021-12-02"

// maxAppend is the largest block that the oldest version takes.
const maxAppend = 4 << 20

// maxScript bounds a script that is fetched.
// Source: Azure/run-command-handler-linux, internal/cmds (maxScriptSize).
const maxScript = 256 << 10

func blobCall(ctx context.Context, at *computer.Computer, method, address, body string, headers ...string) (*http.Response, error) {
	client := at.Client()
	if client == nil {
		return nil, errors.New("this machine has no network")
	}
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("this is no address of a blob")
	}
	request.Header.Set("x-ms-version", blobVersion)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s of a blob failed", method) // the address has a signature in it
	}
	if response.StatusCode >= 300 {
		_ = response.Body.Close()
		return nil, fmt.Errorf("%s of a blob: %s %s", method, response.Status, response.Header.Get("x-ms-error-code"))
	}
	return response, nil
}

func createAppendBlob(ctx context.Context, at *computer.Computer, address string) error {
	response, err := blobCall(ctx, at, http.MethodPut, address, "", "x-ms-blob-type", "AppendBlob", "Content-Length", "0")
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func appendToBlob(ctx context.Context, at *computer.Computer, address, text string) error {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	for len(text) > 0 {
		block := text[:min(len(text), maxAppend)]
		text = text[len(block):]
		response, err := blobCall(ctx, at, http.MethodPut, address+separator+"comp=appendblock", block)
		if err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil {
			return err
		}
	}
	return nil
}

func fetchBlob(ctx context.Context, at *computer.Computer, address string) (string, error) {
	response, err := blobCall(ctx, at, http.MethodGet, address, "")
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxScript+1))
	if err == nil && len(content) > maxScript {
		err = errors.New("the script is too large")
	}
	return string(content), err
}
