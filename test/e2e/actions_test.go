// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// Both are the way to the same actions.
const (
	native  = "kubevirt.io/v1"
	clients = "subresources.kubevirt.io/v1"
)

// act makes a request about an instance as any HTTP client would and gives the code and the body.
func (p *space) act(method, groupVersion, path, body string) (int, string) {
	p.t.Helper()
	client, err := rest.HTTPClientFor(p.Config)
	require.NoError(p.t, err)
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.actionURL(groupVersion, path), strings.NewReader(body))
	require.NoError(p.t, err)
	response, err := client.Do(request)
	require.NoError(p.t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(p.t, err)
	return response.StatusCode, string(content)
}

func (p *space) actionURL(groupVersion, path string) string {
	return p.Config.Host + "/apis/" + groupVersion + "/namespaces/" + p.name + "/virtualmachineinstances/" + path
}

// put has something done that must succeed.
func (p *space) put(groupVersion, path string) {
	p.t.Helper()
	code, body := p.act(http.MethodPut, groupVersion, path, "")
	require.Equal(p.t, http.StatusOK, code, body)
	require.Empty(p.t, body)
}

// stream opens a stream of an instance.
func (p *space) stream(groupVersion, path string) (*streams.Socket, error) {
	p.t.Helper()
	config, err := rest.TLSConfigFor(p.Config)
	require.NoError(p.t, err)
	// Without HTTP/2, which can't be upgraded.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	socket, err := streams.Dial(p.t.Context(), p.actionURL(groupVersion, path), client)
	if err == nil {
		p.t.Cleanup(func() { _ = socket.Close() })
	}
	return socket, err
}

func TestGuestDoesWhatItsActionsSay(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	instance := p.startTiny("web", kubevirtv1.RunStrategyAlways)
	assert.Equal(t, instance.Status.NodeName, instance.Labels[kubevirtv1.NodeNameLabel])
	assert.Contains(t, p.kubectl("get", "vmis", "-l", "kubevirt.io/nodeName="+instance.Status.NodeName, "--no-headers"), "web")

	p.pauseAndUnpause()
	p.rebootBy("reset", native, instance, 2)
	p.rebootBy("softreboot", clients, instance, 3)
	p.takeScreenshots()
	p.watchScreen()
	assert.Equal(t, instance.UID, p.awaitRunning("web", nil).UID, "it is the same run of the guest")

	p.plugin("stop", "web", "--grace-period", "0", "--force")
	p.awaitNoInstance("web")
	p.startsPaused()
}

func (p *space) pauseAndUnpause() {
	p.t.Helper()
	p.put(clients, "web/pause")
	paused := p.awaitInstance("web", func(c *assert.CollectT, instance *kubevirtv1.VirtualMachineInstance) {
		assert.True(c, instance.Status.HasCondition(kubevirtv1.VirtualMachineInstancePaused, corev1.ConditionTrue))
	})
	assert.Equal(p.t, "PausedByUser", paused.Status.Condition(kubevirtv1.VirtualMachineInstancePaused).Reason)
	assert.Equal(p.t, kubevirtv1.Running, paused.Status.Phase)
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusPaused)
	for path, text := range map[string]string{
		"pause": "VMI is already paused", "softreboot": "VMI is paused",
	} {
		code, body := p.act(http.MethodPut, native, "web/"+path, "")
		assert.Equal(p.t, http.StatusConflict, code)
		assert.Contains(p.t, body, text)
	}
	p.put(native, "web/unpause")
	p.awaitRunning("web", nil)
	code, body := p.act(http.MethodPut, clients, "web/unpause", "")
	assert.Equal(p.t, http.StatusConflict, code)
	assert.Contains(p.t, body, "VMI is not paused")
}

// rebootBy has the guest begin for the given time.
func (p *space) rebootBy(action, groupVersion string, instance *kubevirtv1.VirtualMachineInstance, times int) {
	p.t.Helper()
	p.put(groupVersion, "web/"+action)
	require.EventuallyWithT(p.t, func(c *assert.CollectT) {
		assert.Equal(c, times, strings.Count(p.consoleLog(instance), launchertest.GuestReady))
	}, patience, tick, "after %s", action)
}

func (p *space) takeScreenshots() {
	p.t.Helper()
	for _, path := range []string{"web/vnc/screenshot", "web/vnc/screenshot?moveCursor=true"} {
		code, body := p.act(http.MethodGet, clients, path, "")
		require.Equal(p.t, http.StatusOK, code, body)
		picture, err := png.Decode(strings.NewReader(body))
		require.NoError(p.t, err)
		assert.Greater(p.t, picture.Bounds().Dx(), 100)
	}
	code, body := p.act(http.MethodGet, native, "nobody/vnc/screenshot", "")
	assert.Equal(p.t, http.StatusInternalServerError, code)
	assert.Contains(p.t, body, "not found")
}

func (p *space) watchScreen() {
	p.t.Helper()
	greeting := []byte("RFB 003.008\n")
	watch := func(groupVersion string) *streams.Socket {
		socket, err := p.stream(groupVersion, "web/vnc")
		require.NoError(p.t, err)
		heard := make([]byte, len(greeting))
		_, err = io.ReadFull(socket, heard)
		require.NoError(p.t, err)
		assert.True(p.t, bytes.Equal(greeting, heard))
		return socket
	}
	first := watch(clients)
	_, err := p.stream(native, "web/vnc?preserveSession=true")
	assert.True(p.t, apierrors.IsServiceUnavailable(err), "%v", err)
	second := watch(native)
	_, err = first.Read(make([]byte, 1))
	assert.ErrorIs(p.t, err, streams.ErrTakenOver)
	_, err = second.Write(greeting)
	require.NoError(p.t, err)
	_, err = io.ReadFull(second, make([]byte, 2))
	assert.NoError(p.t, err)
}

// startsPaused starts the machine, which is off, paused, and then lets it run.
func (p *space) startsPaused() {
	p.t.Helper()
	path := "/apis/" + clients + "/namespaces/" + p.name + "/virtualmachines/web/start"
	err := p.Core.CoreV1().RESTClient().Put().AbsPath(path).Body([]byte(`{"paused":true}`)).Do(p.t.Context()).Error()
	require.NoError(p.t, err)
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusPaused)
	instance := p.instance("web")
	assert.Empty(p.t, p.consoleLog(instance), "no processor ran")
	p.put(clients, "web/unpause")
	p.awaitRunning("web", nil)
	p.awaitConsole(instance, launchertest.GuestReady)
	assert.Empty(p.t, p.machine("web").Status.StateChangeRequests)
}

func TestHealthIsToldAsUpstreamDoes(t *testing.T) {
	t.Parallel()
	body, err := suite.server.Core.CoreV1().RESTClient().Get().AbsPath("/apis/" + clients + "/healthz").DoRaw(t.Context())
	require.NoError(t, err)
	assert.Contains(t, string(body), `"connectivity": "ok"`)
}
