// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
)

// hop is an agent's Server and an API server's Dialer, joined by mutual TLS on loopback.
type hop struct {
	launcher *fakeLauncher
	local    *Local
	// known is what the agent knows of any instance; nil for what it was asked for.
	known   *kubevirtv1.VirtualMachineInstance
	dialer  *Dialer
	port    int
	pki     *authority
	stop    context.CancelFunc
	stopped chan error
}

func newHop(t *testing.T, maxSessions int) *hop {
	t.Helper()
	pki := newAuthority(t)
	pki.issue("node-a", x509.ExtKeyUsageServerAuth)
	pki.issue("virt-apiserver", x509.ExtKeyUsageClientAuth)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)

	h := &hop{launcher: newFakeLauncher(), pki: pki, stopped: make(chan error, 1)}
	options := link.NewServerOptions()
	options.Certificate, options.Key, options.ClientCA = pki.file("node-a.crt"), pki.file("node-a.key"), pki.file("ca.crt")
	mux := http.NewServeMux()
	h.local = NewLocal(h.launcher, asItSays, maxSessions)
	Handle(mux, h.local, func(named *kubevirtv1.VirtualMachineInstance) (*kubevirtv1.VirtualMachineInstance, error) {
		if h.known != nil {
			return h.known, nil
		}
		return named, nil
	})
	server := link.NewServer(*options, mux)
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	go func() { h.stopped <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-h.stopped)
	})
	h.port = listener.Addr().(*net.TCPAddr).Port
	h.dialer = h.dialerAs("virt-apiserver", h.port)
	return h
}

func (h *hop) dialerAs(name string, port int) *Dialer {
	options := link.Options{
		ClientCertificate:    h.pki.file(name + ".crt"),
		ClientKey:            h.pki.file(name + ".key"),
		CertificateAuthority: h.pki.file("ca.crt"),
		Port:                 port,
	}
	return NewDialer(link.NewAgents(options, loopbackNode))
}

// loopbackNode has every node at 127.0.0.1.
func loopbackNode(context.Context, string) (*corev1.Node, error) {
	return &corev1.Node{Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{
		{Type: corev1.NodeHostName, Address: "elsewhere"},
		{Type: corev1.NodeInternalIP, Address: "127.0.0.1"},
	}}}, nil
}

func TestStreamReachesTheGuestThroughItsNode(t *testing.T) {
	noLeaks(t)
	h := newHop(t, 4)

	conn, err := h.dialer.Open(t.Context(), instance(), Console)
	require.NoError(t, err)
	guest := <-h.launcher.guests
	_, err = conn.Write([]byte("root\r"))
	require.NoError(t, err)
	got := make([]byte, 5)
	_, err = io.ReadFull(guest, got)
	require.NoError(t, err)
	assert.Equal(t, "root\r", string(got))

	_, err = guest.Write([]byte("# "))
	require.NoError(t, err)
	require.NoError(t, guest.Close())
	rest, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Equal(t, "# ", string(rest))
	require.NoError(t, conn.Close())
}

func TestNewerSessionTakesOverAcrossTheHop(t *testing.T) {
	noLeaks(t)
	h := newHop(t, 1)
	older, err := h.dialer.Open(t.Context(), instance(), Console)
	require.NoError(t, err)
	newer, err := h.dialer.Open(t.Context(), instance(), Console)
	require.NoError(t, err)

	_, err = older.Read(make([]byte, 1))
	assert.ErrorIs(t, err, ErrTakenOver)

	<-h.launcher.guests
	guest := <-h.launcher.guests
	_, err = guest.Write([]byte("x"))
	require.NoError(t, err)
	_, err = io.ReadFull(newer, make([]byte, 1))
	assert.NoError(t, err)
	_, _ = older.Close(), newer.Close()
}

func TestStoppingAgentTellsItsClients(t *testing.T) {
	noLeaks(t)
	h := newHop(t, 4)
	conn, err := h.dialer.Open(t.Context(), instance(), Console)
	require.NoError(t, err)
	h.stop()

	_, err = conn.Read(make([]byte, 1))

	assert.ErrorIs(t, err, ErrStopping)
	_ = conn.Close()
}

func TestRefusalsCrossTheHop(t *testing.T) {
	noLeaks(t)
	h := newHop(t, 4)
	tests := map[string]struct {
		err  error
		code int32
		text string
	}{
		"not running":     {&api.Error{Reason: "NotRunning", Message: "the guest is not running"}, 400, "not running"},
		"no serial":       {&api.Error{Reason: "Invalid", Message: "no serial console"}, 400, "no serial console"},
		"no such domain":  {&api.Error{Reason: "NotFound", Message: "?"}, 404, `virtualmachineinstance.kubevirt.io "vm" not found`},
		"libvirt is down": {&api.Error{Reason: "LibvirtUnavailable", Message: "start libvirtd"}, 503, "start libvirtd"},
		"launcher died":   {errors.New("connection refused"), 503, "launcher does not answer"},
		"launcher's bug":  {&api.Error{Reason: "Internal", Message: "oops"}, 500, "oops"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			h.launcher.refuse = tc.err

			_, err := h.dialer.Open(t.Context(), instance(), Console)

			requireStatus(t, err, tc.code)
			assert.ErrorContains(t, err, tc.text)
		})
	}
}

func requireStatus(t *testing.T, err error, code int32) {
	t.Helper()
	var status apierrors.APIStatus
	require.ErrorAs(t, err, &status)
	require.Equal(t, code, status.Status().Code, err)
}

func TestAgentRefusesWhatIsNoAPIServer(t *testing.T) {
	h := newHop(t, 4)
	port := h.port
	h.pki.issue("node-b", x509.ExtKeyUsageClientAuth)
	h.pki.issue("serving", x509.ExtKeyUsageServerAuth)
	stranger := newAuthority(t)
	stranger.issue("virt-apiserver", x509.ExtKeyUsageClientAuth)

	other := NewDialer(link.NewAgents(link.Options{
		ClientCertificate:    stranger.file("virt-apiserver.crt"),
		ClientKey:            stranger.file("virt-apiserver.key"),
		CertificateAuthority: h.pki.file("ca.crt"),
		Port:                 port,
	}, loopbackNode))
	for name, dialer := range map[string]*Dialer{
		"another name":                 h.dialerAs("node-b", port),
		"not a client's certificate":   h.dialerAs("serving", port),
		"another authority":            other,
		"certificate that isn't there": h.dialerAs("nobody", port),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dialer.Open(t.Context(), instance(), Console)
			requireStatus(t, err, http.StatusServiceUnavailable)
		})
	}
	assert.Empty(t, h.launcher.guests)
}

func TestDialerRefusesAnotherNodesCertificate(t *testing.T) {
	h := newHop(t, 4)
	vmi := instance()
	vmi.Status.NodeName = "node-b"

	_, err := h.dialer.Open(t.Context(), vmi, Console)

	requireStatus(t, err, http.StatusServiceUnavailable)
	assert.ErrorContains(t, err, "node-b")
}

func TestDialerNeedsANodeWithAnAddress(t *testing.T) {
	tests := map[string]struct {
		nodes    link.NodeGetter
		nodeName string
		code     int32
	}{
		"no node yet": {loopbackNode, "", 400},
		"unknown node": {func(context.Context, string) (*corev1.Node, error) {
			return nil, errors.New("not found")
		}, "node-a", 503},
		"no address": {func(context.Context, string) (*corev1.Node, error) { return &corev1.Node{}, nil }, "node-a", 503},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			vmi := instance()
			vmi.Status.NodeName = tc.nodeName
			_, err := NewDialer(link.NewAgents(*link.NewOptions(), tc.nodes)).Open(t.Context(), vmi, Console)
			requireStatus(t, err, tc.code)
		})
	}
}

func TestHandlerKnowsOnlyStreamsOfInstances(t *testing.T) {
	h := newHop(t, 4)
	other := instance()
	other.Name = "other"
	_, err := h.dialer.Open(t.Context(), other, Console)
	requireStatus(t, err, http.StatusNotFound)

	_, err = h.dialer.Open(t.Context(), instance(), "shell")
	requireStatus(t, err, http.StatusNotFound)

	other.Name = "../../../v1"
	_, err = h.dialer.Open(t.Context(), other, Console)
	requireStatus(t, err, http.StatusNotFound)
	assert.Empty(t, h.launcher.guests)
}
