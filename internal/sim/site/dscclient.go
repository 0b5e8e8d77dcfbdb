package site

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// form is what a request of Esri's DSC sends, beside f=json.
type form map[string]string

// referer is what Esri's DSC binds its tokens to.
func (d *dsc) referer() string {
	return fmt.Sprintf("https://%s:%d", d.host.name, d.site.product.port)
}

// ask sends one request to the machine's own port and reads the answer. An
// answer that is no JSON object, or none, or an HTTP error, is an error.
func (d *dsc) ask(ctx context.Context, method, path string, body io.Reader, kind string, headers http.Header) (map[string]any, error) {
	// The world's 150 s, but never less than work takes at our pace.
	ctx, cancel := context.WithTimeout(ctx, max(d.host.ground.Clock.Short(150*time.Second), 10*time.Second))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, d.referer()+path, body)
	if err != nil {
		return nil, err
	}
	for name, values := range headers {
		request.Header[name] = values
	}
	request.Header.Set("Referer", d.referer())
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	transport := &http.Transport{DialContext: d.host.ground.Inside.DialContext, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // ServerCertificateValidationCallback={$true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	return answer, nil
}

// get is a read with the token in the query; any failure is an empty answer.
func (d *dsc) get(ctx context.Context, path string) map[string]any {
	answer, err := d.ask(ctx, http.MethodGet, path+"?f=json&token="+url.QueryEscape(d.token), nil, "", nil)
	if err != nil || answerError(answer) != "" {
		return nil
	}
	return answer
}

func (d *dsc) post(ctx context.Context, path string, fields form) (map[string]any, error) {
	values := url.Values{"f": {"json"}}
	if d.token != "" {
		values.Set("token", d.token)
	}
	for name, value := range fields {
		values.Set(name, value)
	}
	return d.ask(ctx, http.MethodPost, path, strings.NewReader(values.Encode()), "application/x-www-form-urlencoded", nil)
}

// upload sends a file. For the PFX of Notebook, Mission and Video the token
// goes into a header.
func (d *dsc) upload(ctx context.Context, path string, fields form, fileField string, file []byte, tokenInHeader bool) (map[string]any, error) {
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	headers := http.Header{}
	if tokenInHeader {
		headers.Set("X-Esri-Authorization", "Bearer "+d.token)
	} else {
		_ = parts.WriteField("token", d.token)
	}
	_ = parts.WriteField("f", "json")
	for name, value := range fields {
		_ = parts.WriteField(name, value)
	}
	part, err := parts.CreateFormFile(fileField, "certificate")
	if err != nil {
		return nil, err
	}
	if _, err := part.Write(file); err != nil {
		return nil, err
	}
	if err := parts.Close(); err != nil {
		return nil, err
	}
	return d.ask(ctx, http.MethodPost, path, &body, parts.FormDataContentType(), headers)
}

// answerError is what Confirm-ResponseStatus finds in an answer, "" for none.
func answerError(answer map[string]any) string {
	if answer["status"] == "error" {
		return fmt.Sprint(answer["messages"])
	}
	if nested, is := answer["error"].(map[string]any); is {
		return fmt.Sprint(nested["message"])
	}
	return ""
}

// serverToken asks ten times; any answer at all ends that.
func (d *dsc) serverToken(ctx context.Context) error {
	return d.takeToken(ctx, "/arcgis/admin/generateToken", form{"client": "referer", "expiration": "1000"})
}

func (d *dsc) portalToken(ctx context.Context) error {
	return d.takeToken(ctx, "/arcgis/sharing/rest/generateToken", form{})
}

func (d *dsc) takeToken(ctx context.Context, path string, fields form) error {
	fields["username"], fields["password"], fields["referer"] = d.run.Admin, d.run.Password, d.referer()
	for range 10 {
		if answer, err := d.post(ctx, path, fields); err == nil {
			d.token, _ = answer["token"].(string)
			break
		}
		d.sleep(ctx, 15)
	}
	if d.token == "" {
		return errors.Join(errors.New("unable to retrieve a token for the site administrator"), ctx.Err())
	}
	return nil
}

// machineName is the machine as its site spells it: by its FQDN, else its short name.
func (d *dsc) machineName(ctx context.Context) string {
	list, _ := d.get(ctx, "/arcgis/admin/machines")["machines"].([]any)
	for _, wanted := range []string{d.host.name, shortName(d.host.name)} {
		for _, item := range list {
			one, _ := item.(map[string]any)
			if name, _ := one["machineName"].(string); strings.EqualFold(name, wanted) {
				return name
			}
		}
	}
	return ""
}

func (d *dsc) sleep(ctx context.Context, seconds int) {
	_ = d.host.ground.Clock.Wait(ctx, time.Duration(seconds)*time.Second)
}

// wait is Wait-ForUrl: a look every five seconds, as many as fit into the given
// time, and no complaint when it is over. Anything but an exception, which an
// HTTP error is, counts as ready.
func (d *dsc) wait(ctx context.Context, path string, seconds int) {
	for waited := 0; waited < seconds && ctx.Err() == nil; waited += 5 {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.referer()+path, nil)
		if err != nil {
			return
		}
		transport := &http.Transport{DialContext: d.host.ground.Inside.DialContext, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		if response, err := transport.RoundTrip(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode < http.StatusBadRequest {
				return
			}
		}
		d.sleep(ctx, 5)
	}
}

// shown is the leaf at "host:port", nil when nothing answers.
func (d *dsc) shown(ctx context.Context, address string) *x509.Certificate {
	raw, err := d.host.ground.Inside.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil
	}
	defer raw.Close()
	secure := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	if secure.HandshakeContext(ctx) != nil {
		return nil
	}
	return secure.ConnectionState().PeerCertificates[0]
}
