package deployment_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// BenchmarkDiscover finds 1,000 deployments with the real SDK, through the
// world's proxy, over TLS. In "world" the time is mostly the world's own, which
// answers queries by reading every document; "replayed" repeats its answers
// from memory, so that only Cartouche and the SDK are measured. "refused" is
// how it goes where Resource Graph is refused, replayed too.
func BenchmarkDiscover(b *testing.B) {
	world := crowdedWorld(b)
	for _, way := range []struct {
		name      string
		transport func(network http.RoundTripper) http.RoundTripper
	}{
		{"world", plainly},
		{"replayed", func(network http.RoundTripper) http.RoundTripper { return &replay{network: network} }},
		{"refused", func(network http.RoundTripper) http.RoundTripper { return withoutGraph{&replay{network: network}} }},
	} {
		b.Run(way.name, func(b *testing.B) {
			azure := signIn(b, world, way.transport)
			discover(b, azure) // signs in, and fills the replay
			azure.calls.Store(0)
			azure.received.Store(0)
			b.ReportAllocs()
			for b.Loop() {
				discover(b, azure)
			}
			b.ReportMetric(float64(azure.calls.Load())/float64(b.N), "calls/op")
			b.ReportMetric(float64(azure.received.Load())/float64(b.N)/1e6, "received-MB/op")
		})
	}
}

func plainly(network http.RoundTripper) http.RoundTripper { return network }

const crowd = 1000

func discover(b *testing.B, azure *client) {
	found, err := deployment.Find(b.Context(), azure.manager, deployment.Scope{})
	if err != nil {
		b.Fatal(err)
	}
	sound := 0
	for _, d := range found.Deployments {
		if strings.HasPrefix(d.Domain, "gis-") && len(d.Problems) == 0 && d.CannotUpdate == "" && len(d.Machines) == 4 && len(d.Addresses) == 1 {
			sound++
		}
	}
	if sound != crowd {
		b.Fatalf("%d sound deployments of %d, want %d", sound, len(found.Deployments), crowd)
	}
}

// crowdedWorld has 1,000 more deployments, each with a gateway like that of
// the world's own one, its address, and four machines.
func crowdedWorld(b *testing.B) *sim.World {
	world, err := sim.Start(b.Context(), sim.Options{World: "single", Scale: 600})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = world.Close() })
	found, err := deployment.Find(b.Context(), signIn(b, world, plainly).manager, deployment.Scope{})
	if err != nil || len(found.Deployments) != 1 {
		b.Fatalf("the world has %d deployments: %v", len(found.Deployments), err)
	}
	own := found.Deployments[0]
	group := "/resourceGroups/" + own.ResourceGroup + "/"
	for i := range crowd {
		rename := strings.NewReplacer(
			group, fmt.Sprintf("/resourceGroups/gis-%04d/", i),
			own.ID, fmt.Sprintf("%s-%04d", own.ID, i),
			own.Domain, fmt.Sprintf("gis-%04d.example.com", i))
		add := func(id string, more ...string) {
			document := world.Manager().Document(id)
			if err := world.Manager().Add(renamed(b, document, rename, strings.NewReplacer(more...))); err != nil {
				b.Fatal(err)
			}
		}
		add(own.GatewayID)
		listener, _ := own.Gateway.Listener(own.Gateway.HTTPSListeners()[0].Name)
		add(listener.PublicIPID)
		for j := range 4 {
			add(own.Machines[0].ID, own.Machines[0].Name, fmt.Sprintf("%s%d", strings.TrimSuffix(own.Machines[0].Name, "0"), j))
		}
	}
	return world
}

func renamed(b *testing.B, document map[string]any, replacers ...*strings.Replacer) map[string]any {
	text, err := json.Marshal(document)
	if err != nil {
		b.Fatal(err)
	}
	for _, replacer := range replacers {
		text = []byte(replacer.Replace(string(text)))
	}
	var copied map[string]any
	if err := json.Unmarshal(text, &copied); err != nil {
		b.Fatal(err)
	}
	return copied
}

// client is a sign-in to the world's Resource Manager that counts.
type client struct {
	manager         *cloud.ResourceManager
	calls, received atomic.Int64
}

func signIn(b *testing.B, world *sim.World, transport func(http.RoundTripper) http.RoundTripper) *client {
	visitor := worldtest.Enter(b, world.Environment(), cloud.Options{})
	c := &client{}
	counted := *visitor.Client
	counted.Transport = weighed{transport(visitor.Client.Transport), &c.received}
	var err error
	c.manager, err = cloud.NewResourceManager(visitor.Cloud, visitor.Credential, cloud.Options{
		Client: &counted, Observe: func(cloud.Call) { c.calls.Add(1) },
	})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// weighed counts the bytes of answers.
type weighed struct {
	http.RoundTripper
	total *atomic.Int64
}

func (w weighed) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := w.RoundTripper.RoundTrip(request)
	if err == nil {
		response.Body = &weighedBody{response.Body, w.total}
	}
	return response, err
}

type weighedBody struct {
	io.ReadCloser
	total *atomic.Int64
}

func (w *weighedBody) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.total.Add(int64(n))
	return n, err
}

// replay asks the network once for each request, and its memory afterwards.
type replay struct {
	network http.RoundTripper
	answers sync.Map // of *answer by method, URL and body
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (r *replay) RoundTrip(request *http.Request) (*http.Response, error) {
	key := request.Method + " " + request.URL.String() + "\n"
	if request.Body != nil {
		sent, err := io.ReadAll(request.Body)
		if err := errors.Join(err, request.Body.Close()); err != nil {
			return nil, err
		}
		key += string(sent)
		request = request.Clone(request.Context())
		request.Body = io.NopCloser(bytes.NewReader(sent))
	}
	known, ok := r.answers.Load(key)
	if !ok {
		response, err := r.network.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			return nil, err
		}
		known, _ = r.answers.LoadOrStore(key, &answer{response.StatusCode, response.Header, body})
	}
	a := known.(*answer)
	return &http.Response{
		StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header: maps.Clone(a.header), Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}

// withoutGraph is a network in which Resource Graph is refused.
type withoutGraph struct{ http.RoundTripper }

func (w withoutGraph) RoundTrip(request *http.Request) (*http.Response, error) {
	if !strings.Contains(request.URL.Path, "Microsoft.ResourceGraph") {
		return w.RoundTripper.RoundTrip(request)
	}
	return &http.Response{
		StatusCode: http.StatusForbidden, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(`{"error":{"code":"AuthorizationFailed","message":"Resource Graph is not for you."}}`)),
	}, nil
}
