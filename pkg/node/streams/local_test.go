// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

func TestLocalFreesPlacesAndCapsThem(t *testing.T) {
	launcher := newFakeLauncher()
	local := NewLocal(launcher, asItSays, 2)
	console, err := local.Open(t.Context(), instance(), Console)
	require.NoError(t, err)
	screen, err := local.Open(t.Context(), instance(), VNC)
	require.NoError(t, err)
	third := instance()
	third.Name = "third"

	_, err = local.Open(t.Context(), third, Console)
	requireStatus(t, err, http.StatusServiceUnavailable)
	assert.ErrorContains(t, err, "all 2 streams")

	require.NoError(t, console.Close())
	_, err = local.Open(t.Context(), third, Console)
	requireStatus(t, err, http.StatusNotFound)
	again, err := local.Open(t.Context(), instance(), Console)
	require.NoError(t, err, "a refused stream keeps no place")
	_, _ = again.Close(), screen.Close()
	assert.Empty(t, local.sessions.open)
}

func TestPortsWithoutANetworkGoBesideEachOther(t *testing.T) {
	local := NewLocal(newFakeLauncher(), asItSays, 8)
	one, err := local.Open(t.Context(), instance(), VSOCK(1024))
	require.NoError(t, err)
	two, err := local.Open(t.Context(), instance(), VSOCK(1024))
	require.NoError(t, err)
	assert.False(t, one.(*session).isTaken())
	assert.Len(t, local.sessions.open, 2, "they count like others")
	assert.Equal(t, 2, local.sessions.countBeside(one.(*session).key))
	_, _ = one.Close(), two.Close()

	_, err = local.Open(t.Context(), instance(), VSOCK(22))
	requireStatus(t, err, http.StatusInternalServerError)
	assert.ErrorContains(t, err, "nothing listens there")
	_, err = local.Open(t.Context(), instance(), "vsock/ssh")
	requireStatus(t, err, http.StatusBadRequest)
}

// slowLauncher opens when it is told to.
type slowLauncher struct {
	*fakeLauncher
	open chan struct{}
}

func (s slowLauncher) Console(ctx context.Context, domain api.Target) (net.Conn, error) {
	<-s.open
	return s.fakeLauncher.Console(ctx, domain)
}

func TestSessionsThatOpenAtOnceLeaveOne(t *testing.T) {
	launcher := slowLauncher{newFakeLauncher(), make(chan struct{})}
	local := NewLocal(launcher, asItSays, 8)
	var opening sync.WaitGroup
	opened := make(chan net.Conn, 5)
	for range 5 {
		opening.Go(func() {
			if conn, err := local.Open(t.Context(), instance(), Console); err == nil {
				opened <- conn
			}
		})
	}
	close(launcher.open)
	opening.Wait()
	close(opened)

	alive := 0
	for conn := range opened {
		if !conn.(*session).isTaken() {
			alive++
		}
		_ = conn.Close()
	}
	assert.Equal(t, 1, alive)
	assert.Empty(t, local.sessions.open)
}

func TestStreamOfAnInstanceNeverReachesItsSuccessor(t *testing.T) {
	_, port := listen(t)
	h := newHop(t, 4)
	earlier := addressed("127.0.0.1")
	earlier.UID = "an earlier one"
	h.known = earlier
	local := newLoopback(4)
	for _, stream := range []string{Console, VNC, VNCIfFree, PortForward(port, TCP), PortForward(port, UDP)} {
		t.Run(stream, func(t *testing.T) {
			current, err := local.Open(t.Context(), addressed("127.0.0.1"), stream)
			require.NoError(t, err)
			defer current.Close()
			_, err = local.Open(t.Context(), earlier, stream)
			requireStatus(t, err, http.StatusConflict)
			assert.ErrorContains(t, err, "another instance")
			assert.False(t, current.(*session).isTaken(), "it does not end its successor's session either")
			_, err = h.dialer.Open(t.Context(), earlier, stream)
			requireStatus(t, err, http.StatusConflict)
		})
	}
}

func TestAgentRefusesWhatIsNotItsInstance(t *testing.T) {
	h := newHop(t, 4)
	h.known = instance()
	for _, uid := range []types.UID{"an earlier one", ""} {
		named := instance()
		named.UID = uid
		_, err := h.dialer.Open(t.Context(), named, Console)
		requireStatus(t, err, http.StatusConflict)
	}
	assert.Empty(t, h.launcher.guests)
}

func TestServeOpensNothingForWhatIsNoWebSocket(t *testing.T) {
	mux := http.NewServeMux()
	Handle(mux, NewLocal(newFakeLauncher(), asItSays, 1), asNamed)
	server := httptest.NewServer(mux)
	defer server.Close()

	response, err := server.Client().Get(server.URL + "/v1/namespaces/n/virtualmachineinstances/vm/console")

	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)
}
