// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const soon = 60 * time.Second

// guest answers as the test says.
type guest struct {
	mu      sync.Mutex
	answer  error
	address string
	asked   int
}

func (g *guest) say() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	return g.answer
}

func (g *guest) set(answer error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = answer
}

func (g *guest) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

func (g *guest) Ping(context.Context, time.Duration) error           { return g.say() }
func (g *guest) Exec(context.Context, []string, time.Duration) error { return g.say() }
func (g *guest) Address() (netip.Addr, error)                        { return netip.ParseAddr(g.address) }

func ping(failures int32) *kubevirtv1.Probe {
	return &kubevirtv1.Probe{
		Handler:        kubevirtv1.Handler{GuestAgentPing: &kubevirtv1.GuestAgentPing{}},
		TimeoutSeconds: ptr.To[int32](1), PeriodSeconds: ptr.To[int32](1), SuccessThreshold: ptr.To[int32](1), FailureThreshold: ptr.To(failures),
	}
}

var (
	key    = types.NamespacedName{Namespace: "n", Name: "vm"}
	errBad = errors.New("bad")
)

func attend(t *testing.T, subject Subject) (*Prober, chan types.NamespacedName) {
	t.Helper()
	changes := make(chan types.NamespacedName, 100)
	p := New(func(key types.NamespacedName) { changes <- key })
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		p.Wait()
	})
	subject.Key, subject.UID = key, "u1"
	p.Attend(ctx, subject)
	return p, changes
}

func TestAVerdictTakesItsNumberOfAnswers(t *testing.T) {
	t.Parallel()
	g := &guest{answer: errBad}
	p, changes := attend(t, Subject{Liveness: ping(2), Readiness: ping(1), Guest: g})
	assert.Equal(t, key, <-changes)
	_, readiness := p.Results(key, "u1")
	assert.Equal(t, Result{Failed, "bad"}, readiness)
	assert.Equal(t, key, <-changes)
	liveness, _ := p.Results(key, "u1")
	assert.Equal(t, Result{Failed, "bad"}, liveness)
	assert.GreaterOrEqual(t, g.count(), 3)

	g.set(nil)
	<-changes
	<-changes
	liveness, readiness = p.Results(key, "u1")
	assert.Equal(t, Result{Verdict: Passed}, liveness)
	assert.Equal(t, Result{Verdict: Passed}, readiness)
	liveness, _ = p.Results(key, "another")
	assert.Equal(t, Result{}, liveness)
}

func TestWhatSaysNothingOfTheGuestDoesNotCount(t *testing.T) {
	t.Parallel()
	g := &guest{answer: fmt.Errorf("%w: the launcher is away", ErrUnknown)}
	p, changes := attend(t, Subject{Liveness: ping(1), Guest: g})
	require.Eventually(t, func() bool { return g.count() >= 2 }, soon, time.Millisecond)
	assert.Empty(t, changes)
	liveness, _ := p.Results(key, "u1")
	assert.Equal(t, Undecided, liveness.Verdict)
}

func TestAnIdleGuestIsNotAsked(t *testing.T) {
	t.Parallel()
	g := &guest{}
	p, changes := attend(t, Subject{Readiness: ping(1), Guest: g, Idle: true})
	p.Attend(t.Context(), Subject{Key: key, UID: "u1", Readiness: ping(1), Guest: g})
	<-changes
	_, readiness := p.Results(key, "u1")
	assert.Equal(t, Passed, readiness.Verdict)
}

func TestAnotherInstanceOfTheNameBeginsAnew(t *testing.T) {
	t.Parallel()
	g := &guest{}
	p, changes := attend(t, Subject{Readiness: ping(1), Guest: g})
	<-changes
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.Attend(ctx, Subject{Key: key, UID: "u2", Readiness: ping(1), Guest: g, Idle: true})
	_, readiness := p.Results(key, "u2")
	assert.Equal(t, Undecided, readiness.Verdict)
	p.Forget(key)
	_, readiness = p.Results(key, "u2")
	assert.Equal(t, Undecided, readiness.Verdict)
}

func TestTheFirstQuestionWaits(t *testing.T) {
	t.Parallel()
	g := &guest{}
	probe := ping(1)
	probe.InitialDelaySeconds = ptr.To[int32](3600)
	p, changes := attend(t, Subject{Readiness: probe, Guest: g, StartedAt: time.Now()})
	p.Forget(key)
	p.Wait()
	assert.Empty(t, changes)
	assert.Zero(t, g.count())
}

func TestHTTPAndTCPReachTheGuest(t *testing.T) {
	t.Parallel()
	var host, agent string
	handler := http.NewServeMux()
	handler.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) { host, agent = r.Host, r.Header.Get("X-Probe") })
	handler.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
	})
	handler.HandleFunc("/bad", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	for scheme, start := range map[corev1.URIScheme]func(http.Handler) *httptest.Server{
		"HTTP": httptest.NewServer, "HTTPS": httptest.NewTLSServer,
	} {
		server := start(handler)
		target, err := url.Parse(server.URL)
		require.NoError(t, err)
		port, err := strconv.Atoi(target.Port())
		require.NoError(t, err)
		g := &guest{address: "127.0.0.1"}
		get := func(path string) error {
			return ask(t.Context(), g, &kubevirtv1.Probe{TimeoutSeconds: ptr.To[int32](10), Handler: kubevirtv1.Handler{HTTPGet: &kubevirtv1.HTTPGetAction{
				Path: ptr.To(path), Port: intstr.FromInt(port), Scheme: ptr.To(scheme),
				HTTPHeaders: []corev1.HTTPHeader{{Name: "host", Value: "shop"}, {Name: "X-Probe", Value: "yes"}},
			}}})
		}
		require.NoError(t, get("/ok?deep=1"), scheme)
		assert.Equal(t, "shop yes", host+" "+agent)
		require.NoError(t, get("/away"), "a redirect is an answer, and not followed")
		require.ErrorContains(t, get("/bad"), "HTTP status 502")
		require.NoError(t, get("//elsewhere/ok"), "the host is the guest, whatever the path says")

		tcp := &kubevirtv1.Probe{TimeoutSeconds: ptr.To[int32](10), Handler: kubevirtv1.Handler{TCPSocket: &kubevirtv1.TCPSocketAction{Port: intstr.FromInt(port)}}}
		require.NoError(t, ask(t.Context(), g, tcp))
		server.Close()
		require.ErrorContains(t, ask(t.Context(), g, tcp), "refused")
	}
}

func TestCommandsGoToTheGuest(t *testing.T) {
	t.Parallel()
	g := &guest{answer: errBad}
	exec := &kubevirtv1.Probe{TimeoutSeconds: ptr.To[int32](1), Handler: kubevirtv1.Handler{Exec: &kubevirtv1.ExecAction{Command: []string{"true"}}}}
	require.ErrorIs(t, ask(t.Context(), g, exec), errBad)
}
