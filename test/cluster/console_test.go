// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/virt-apiserver/virt-apiserver/test/apitest"
)

// subprotocol is what KubeVirt's clients offer and insist on.
const subprotocol = "plain.kubevirt.io"

// longer is more than the minute after which kube-apiserver ends requests that
// it does not know to be long.
const longer = 65 * time.Second

func consolePath(groupVersion, resource, ns string) string {
	return "/apis/" + groupVersion + "/namespaces/" + ns + "/" + resource + "/one/console"
}

func consolePaths(ns string) []string {
	return []string{
		consolePath("subresources.kubevirt.io/v1", "virtualmachineinstances", ns),
		consolePath("subresources.kubevirt.io/v1alpha3", "virtualmachineinstances", ns),
		consolePath("kubevirt.io/v1", "virtualmachineinstances", ns),
		consolePath("kubevirt.io/v1alpha3", "virtualmachineinstances", ns),
		consolePath("kubevirt.io/v1", "virtualmachines", ns),
	}
}

// streamPaths are those of all streams, with what the node is asked for.
func streamPaths(ns string) map[string]string {
	all := map[string]string{
		"/apis/subresources.kubevirt.io/v1/namespaces/" + ns + "/virtualmachines/one/portforward/22": "portforward/22/tcp",
	}
	for _, path := range consolePaths(ns) {
		all[path] = "console"
		base := strings.TrimSuffix(path, "console")
		all[base+"portforward/22"] = "portforward/22/tcp"
		all[base+"portforward/53/udp"] = "portforward/53/udp"
		if strings.Contains(path, "/virtualmachineinstances/") {
			all[base+"vnc"] = "vnc"
			all[base+"vnc?preserveSession=true"] = "vnc/if-free"
		}
	}
	return all
}

func TestStreamCarriesBytesBothWaysByEveryRoute(t *testing.T) {
	t.Parallel()
	ns := shared.Namespace(t)
	runningInstance(t, ns)
	for path, stream := range streamPaths(ns) {
		t.Run(strings.ReplaceAll(path, "/", " "), func(t *testing.T) {
			t.Parallel()
			conn := openConsole(t, path)
			expect(t, conn, []byte(greeting(ns, "one", stream)))
			if !strings.HasSuffix(stream, "/udp") {
				exchange(t, conn)
			}
		})
	}
}

func TestConsoleOutlivesAnIdleMinute(t *testing.T) {
	t.Parallel()
	ns := shared.Namespace(t)
	runningInstance(t, ns)
	paths := consolePaths(ns)
	conns := make([]net.Conn, len(paths))
	heard := make(chan error, len(paths))
	for i, path := range paths {
		conns[i] = openConsole(t, path)
		expect(t, conns[i], []byte(greeting(ns, "one", "console")))
		go func() {
			_, err := io.ReadFull(conns[i], make([]byte, 1))
			heard <- err
		}()
	}
	select {
	case err := <-heard:
		require.Fail(t, "a console did not stay idle and open", "%v", err)
	case <-time.After(longer):
	}
	for _, conn := range conns {
		_, err := conn.Write([]byte{0})
		require.NoError(t, err)
		require.NoError(t, <-heard)
		exchange(t, conn)
	}
}

func TestConsoleIsRefusedWithTheCodesThatClientsActOn(t *testing.T) {
	t.Parallel()
	ns := shared.Namespace(t)
	path := consolePath("subresources.kubevirt.io/v1", "virtualmachineinstances", ns)
	assert.Equal(t, http.StatusNotFound, refusedConsole(t, path), "no instance")
	shared.Create(t, apitest.Instances, ns, "one")
	assert.Equal(t, http.StatusBadRequest, refusedConsole(t, path), "not running yet: clients try again on this code")
	setStatus(t, ns, map[string]any{"phase": "Failed", "nodeName": nodeName})
	assert.Equal(t, http.StatusConflict, refusedConsole(t, path), "failed")
	setStatus(t, ns, map[string]any{"phase": "Running", "nodeName": "no-such-node"})
	assert.Equal(t, http.StatusServiceUnavailable, refusedConsole(t, path), "its node cannot be reached")
}

// runningInstance makes an instance that runs on the stand-in, and the machine
// that it is of.
func runningInstance(t *testing.T, ns string) {
	t.Helper()
	shared.Create(t, apitest.Machines, ns, "one")
	shared.Create(t, apitest.Instances, ns, "one")
	machine, err := shared.Dynamic.Resource(apitest.Machines).Namespace(ns).Get(t.Context(), "one", metav1.GetOptions{})
	require.NoError(t, err)
	owned, err := json.Marshal(map[string]any{"metadata": metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{
		*metav1.NewControllerRef(machine, machine.GroupVersionKind()),
	}}})
	require.NoError(t, err)
	_, err = shared.Dynamic.Resource(apitest.Instances).Namespace(ns).
		Patch(t.Context(), "one", types.MergePatchType, owned, metav1.PatchOptions{})
	require.NoError(t, err)
	setStatus(t, ns, map[string]any{"phase": "Running", "nodeName": nodeName})
}

func setStatus(t *testing.T, ns string, status map[string]any) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"status": status})
	require.NoError(t, err)
	patched, err := shared.Dynamic.Resource(apitest.Instances).Namespace(ns).
		Patch(t.Context(), "one", types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	require.NoError(t, err)
	phase, _, _ := unstructured.NestedString(patched.Object, "status", "phase")
	require.Equal(t, status["phase"], phase)
}

func openConsole(t *testing.T, path string) net.Conn {
	t.Helper()
	socket, response, err := dial(t, path)
	require.NoError(t, err, "%+v", response)
	assert.Equal(t, subprotocol, socket.Subprotocol())
	t.Cleanup(func() { _ = socket.CloseNow() })
	return websocket.NetConn(context.Background(), socket, websocket.MessageBinary)
}

func refusedConsole(t *testing.T, path string) int {
	t.Helper()
	_, response, err := dial(t, path)
	require.Error(t, err)
	require.NotNil(t, response, "%v", err)
	return response.StatusCode
}

func dial(t *testing.T, path string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	config, err := rest.TLSConfigFor(shared.Config)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	return websocket.Dial(ctx, strings.Replace(shared.Config.Host, "https:", "wss:", 1)+path, &websocket.DialOptions{
		// Without HTTP/2, which cannot be upgraded.
		HTTPClient:   &http.Client{Transport: &http.Transport{TLSClientConfig: config}},
		Subprotocols: []string{subprotocol},
	})
}

// exchange sends every byte value, many times over, and expects them back.
func exchange(t *testing.T, conn net.Conn) {
	t.Helper()
	data := make([]byte, 1<<20)
	_, err := rand.Read(data)
	require.NoError(t, err)
	written := make(chan error, 1)
	go func() {
		_, err := io.Copy(conn, bytes.NewReader(data))
		written <- err
	}()
	expect(t, conn, data)
	require.NoError(t, <-written)
}

func expect(t *testing.T, conn net.Conn, want []byte) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(soon)))
	got := make([]byte, len(want))
	n, err := io.ReadFull(conn, got)
	require.NoError(t, err, "got %d of %d bytes, first %.80q", n, len(want), got[:n])
	require.True(t, bytes.Equal(want, got), "other bytes came back than were sent")
	require.NoError(t, conn.SetReadDeadline(time.Time{}))
}
