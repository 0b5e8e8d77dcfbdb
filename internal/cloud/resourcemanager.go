package cloud

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	armpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm/policy"
	armruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
)

const (
	// longestWait is the longest Retry-After that is waited for. azcore's own
	// limit is 60 s, beyond which it gives up at once; Resource Manager asks
	// for five minutes when a bucket is empty.
	longestWait = 15 * time.Minute
	// longestAsked bounds the number of a Retry-After, whatever its unit: a week of seconds.
	longestAsked = 7 * 24 * 60 * 60
	// pollInterval is the wait between two looks at an operation when the
	// server does not say (it does: gateways say 10 s).
	pollInterval = 5 * time.Second
)

// Options are for [NewResourceManager].
type Options struct {
	// Client makes the connections. It is required; proxy and authorities are
	// its affair.
	Client *http.Client
	// Version is Cartouche's own version, for the user agent.
	Version string
	// Observe, if set, is told of every exchange, from whatever goroutine it
	// happens in.
	Observe func(Call)
	// PollInterval is the wait between two looks at an operation when the
	// server does not say how long; 0 means 5 s, less than 1 s is 1 s.
	PollInterval time.Duration
}

// ResourceManager reads and writes Azure resources as JSON trees. It can be
// used by many goroutines. Reads are repeated on 408, 429 and 5xx as often as
// azcore does it, waiting as long as the server asks; writes are not.
type ResourceManager struct {
	cloud    Cloud
	endpoint *url.URL
	pipeline runtime.Pipeline
	interval time.Duration
	// credential is for [ResourceManager.CallerID].
	credential azcore.TokenCredential
	roles      roleCache
	// options are for the blobs of storage accounts.
	options Options
	// heard is when Azure's time was heard last.
	heard atomic.Pointer[heardTime]
}

// heardTime is a time that was told, and when by this computer's clock.
type heardTime struct{ told, at time.Time }

// Clock is Azure's time now, by the Date of its last answer that had one; the zero
// time when none had.
func (rm *ResourceManager) Clock() time.Time {
	heard := rm.heard.Load()
	if heard == nil {
		return time.Time{}
	}
	return heard.told.Add(time.Since(heard.at))
}

// NewResourceManager makes a client; nothing is sent before it is used.
//
// Of the SDK's habits two are switched off because they change the customer's
// Azure behind the user's back: it registers resource providers when it meets
// MissingSubscriptionRegistration, and it repeats writes (see Put).
func NewResourceManager(cloud Cloud, credential azcore.TokenCredential, options Options) (*ResourceManager, error) {
	endpoint, err := url.Parse(cloud.ResourceManager)
	if err != nil || endpoint.Scheme != "https" || endpoint.Host == "" {
		return nil, fmt.Errorf("resource manager of cloud %q: %q is not an https address", cloud.Name, cloud.ResourceManager)
	}
	if options.Client == nil {
		return nil, errors.New("resource manager: no HTTP client was given")
	}
	client := clientOptions(cloud, options.Version, newTransport(options.Client))
	client.Retry = policy.RetryOptions{MaxRetryDelay: longestWait}
	if options.Observe != nil {
		// After authorization, so that a sign-in is not counted as a call.
		client.PerRetryPolicies = []policy.Policy{observer{tell: options.Observe}}
	}
	pipeline, err := armruntime.NewPipeline("cloud", options.Version, credential,
		runtime.PipelineOptions{PerCall: []policy.Policy{guard{endpoint: endpoint}, renewal{credential: credential}}},
		&armpolicy.ClientOptions{ClientOptions: client, DisableRPRegistration: true})
	if err != nil {
		return nil, fmt.Errorf("resource manager of cloud %q: %w", cloud.Name, err)
	}
	interval := options.PollInterval
	if interval == 0 {
		interval = pollInterval
	}
	return &ResourceManager{cloud: cloud, endpoint: endpoint, pipeline: pipeline, interval: max(interval, time.Second), credential: credential, options: options}, nil
}

// clientOptions are what sign-in and Resource Manager have in common.
func clientOptions(cloud Cloud, version string, transporter policy.Transporter) policy.ClientOptions {
	return policy.ClientOptions{
		Cloud:     cloud.configuration(),
		Transport: transporter,
		Telemetry: policy.TelemetryOptions{ApplicationID: userAgent(version)},
		Logging:   policy.LogOptions{IncludeBody: false}, // the default, said because it must stay so
	}
}

// userAgent is "cartouche/<version>"; azcore allows 24 characters.
func userAgent(version string) string {
	if version == "" {
		version = "dev"
	}
	return "cartouche/" + version
}

// Cloud is the cloud that this client speaks with.
func (rm *ResourceManager) Cloud() Cloud { return rm.cloud }

// Get reads the resource with this id.
func (rm *ResourceManager) Get(ctx context.Context, id, apiVersion string) (Document, error) {
	return rm.get(ctx, attempt{operation: "read", object: describe(id)}, rm.address(id, apiVersion, nil))
}

func (rm *ResourceManager) get(ctx context.Context, a attempt, address string) (Document, error) {
	response, err := rm.send(ctx, a, http.MethodGet, address, nil, "")
	if err != nil {
		return nil, err
	}
	return a.document(response)
}

// address makes the URL of a path. Whatever the path holds stays a path.
func (rm *ResourceManager) address(path, apiVersion string, query url.Values) string {
	values := url.Values{"api-version": {apiVersion}}
	for name, value := range query {
		values[name] = value
	}
	address := *rm.endpoint
	address.Path = "/" + strings.Trim(path, "/")
	// Azure's OData parsers do not take "+" for a space everywhere.
	address.RawQuery = strings.ReplaceAll(values.Encode(), "+", "%20")
	return address.String()
}

// send makes one request and gives back its answer if that is a success.
func (rm *ResourceManager) send(ctx context.Context, a attempt, method, address string, body []byte, ifMatch string) (*http.Response, error) {
	request, err := runtime.NewRequest(ctx, method, address)
	if err != nil {
		return nil, a.failed(errors.New("the resource id does not make a usable address"))
	}
	request.Raw().Header.Set("Accept", "application/json")
	if ifMatch != "" {
		request.Raw().Header.Set("If-Match", ifMatch)
	}
	if body != nil {
		if err := request.SetBody(streaming.NopCloser(bytes.NewReader(body)), "application/json"); err != nil {
			return nil, a.failed(err)
		}
	}
	response, err := rm.pipeline.Do(request)
	if err != nil {
		return nil, a.failed(err)
	}
	if told, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		rm.heard.Store(&heardTime{told, time.Now()})
	}
	if !runtime.HasStatusCode(response, http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent) {
		return nil, a.refused(response)
	}
	return response, nil
}

// document reads the JSON object of an answer.
func (a attempt) document(response *http.Response) (Document, error) {
	body, err := runtime.Payload(response)
	if err != nil {
		return nil, a.failed(err)
	}
	var document Document
	if err := document.UnmarshalJSON(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))); err != nil || document == nil {
		return nil, a.unreadable(response, err)
	}
	return document, nil
}

func (a attempt) unreadable(response *http.Response, err error) *Error {
	e := a.newError()
	e.Status = response.StatusCode
	e.RequestID = requestID(response.Header)
	e.Message = "the answer is not the JSON object that was expected"
	e.MayHaveTakenEffect = a.write
	if err != nil {
		e.Message += " (" + clean(err.Error(), 200) + ")"
	}
	return e
}

// describe names a resource for people: "applicationGateways agw-prod".
func describe(id string) string {
	id = clean(id, 400)
	parts := strings.Split(strings.Trim(id, "/"), "/")
	if n := len(parts); n >= 2 {
		return parts[n-2] + " " + parts[n-1]
	}
	return id
}

// describeList names a list for people: "locks of applicationGateways agw-prod".
func describeList(path string) string {
	parts := strings.Split(strings.Trim(clean(path, 400), "/"), "/")
	list, owner := parts[len(parts)-1], parts[:len(parts)-1]
	if n := len(owner); n >= 2 && strings.EqualFold(owner[n-2], "providers") {
		owner = owner[:n-2]
	}
	if len(owner) == 0 {
		return list
	}
	return list + " of " + describe(strings.Join(owner, "/"))
}
