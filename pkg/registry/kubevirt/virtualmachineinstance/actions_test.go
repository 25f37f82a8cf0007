// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// world has one instance, and notes what is asked of its guest.
type world struct {
	vmi    *kubevirtv1.VirtualMachineInstance
	called []string
	opened []string
	refuse error
}

func (w *world) Get(_ context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	if w.vmi == nil || name != w.vmi.Name {
		return nil, apierrors.NewNotFound(kubevirtv1.Resource("virtualmachineinstances"), name)
	}
	return w.vmi, nil
}

func (w *world) Call(_ context.Context, vmi *kubevirtv1.VirtualMachineInstance, action string, in, out any) error {
	if w.refuse != nil {
		return w.refuse
	}
	if request, ok := in.(*api.ScreenshotRequest); ok {
		out.(*api.Screenshot).PNG = []byte("a picture")
		if request.MoveCursor {
			action += " moved"
		}
	}
	w.called = append(w.called, string(vmi.UID)+" "+action)
	return nil
}

func (w *world) Open(_ context.Context, _ *kubevirtv1.VirtualMachineInstance, stream string) (net.Conn, error) {
	w.opened = append(w.opened, stream)
	ours, guest := net.Pipe()
	go func() {
		_, _ = io.WriteString(guest, "hello")
		_ = guest.Close()
	}()
	return ours, nil
}

func (w *world) storage() *Storage {
	return &Storage{control: &control{instances: w, calls: w}, devices: newDevices(w, w, w)}
}

func newWorld(phase kubevirtv1.VirtualMachineInstancePhase, change ...func(*kubevirtv1.VirtualMachineInstance)) *world {
	vmi := &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "vm", UID: "uid"},
		Status:     kubevirtv1.VirtualMachineInstanceStatus{Phase: phase, NodeName: "node"},
	}
	for _, do := range change {
		do(vmi)
	}
	return &world{vmi: vmi}
}

func paused(vmi *kubevirtv1.VirtualMachineInstance) {
	vmi.Status.SetCondition(kubevirtv1.VirtualMachineInstanceCondition{Type: kubevirtv1.VirtualMachineInstancePaused, Status: corev1.ConditionTrue}, metav1.Now())
}

func withAgent(vmi *kubevirtv1.VirtualMachineInstance) {
	vmi.Status.SetCondition(kubevirtv1.VirtualMachineInstanceCondition{Type: kubevirtv1.VirtualMachineInstanceAgentConnected, Status: corev1.ConditionTrue}, metav1.Now())
}

func withoutACPI(vmi *kubevirtv1.VirtualMachineInstance) {
	vmi.Spec.Domain.Features = &kubevirtv1.Features{ACPI: &kubevirtv1.FeatureState{Enabled: ptr.To(false)}}
}

func headless(vmi *kubevirtv1.VirtualMachineInstance) {
	vmi.Spec.Domain.Devices.AutoattachGraphicsDevice = ptr.To(false)
}

func withVSOCK(vmi *kubevirtv1.VirtualMachineInstance) {
	vmi.Spec.Domain.Devices.AutoattachVSOCK = ptr.To(true)
}

type responder struct{ w http.ResponseWriter }

func (r *responder) Object(int, runtime.Object) {}
func (r *responder) Error(err error) {
	code := http.StatusInternalServerError
	if status, ok := err.(apierrors.APIStatus); ok {
		code = int(status.Status().Code)
	}
	http.Error(r.w, err.Error(), code)
}

// serve answers as the handlers of the API server do; path is what follows the instance's.
func serve(t *testing.T, storage rest.Storage, path string) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		info := &genericapirequest.RequestInfo{Parts: append([]string{"virtualmachineinstances", "vm"}, strings.Split(path, "/")...)}
		ctx := genericapirequest.WithRequestInfo(r.Context(), info)
		handler, err := storage.(rest.Connecter).Connect(ctx, "vm", nil, &responder{w})
		if assert.NoError(t, err) {
			handler.ServeHTTP(w, r)
		}
	}
}

func send(t *testing.T, storage rest.Storage, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	plain, query, _ := strings.Cut(path, "?")
	serve(t, storage, plain)(recorder, httptest.NewRequest(http.MethodGet, "/?"+query, strings.NewReader(body)))
	return recorder
}

func TestControlKeepsUpstreamsPreconditions(t *testing.T) {
	const running = kubevirtv1.Running
	for name, test := range map[string]struct {
		world  *world
		action func(*Storage, runtime.Object) rest.Storage
		body   string
		code   int
		text   string
	}{
		"pause":                          {newWorld(running), (*Storage).Pause, "", 200, ""},
		"pause, dry run":                 {newWorld(running), (*Storage).Pause, `{"dryRun":["All"]}`, 200, ""},
		"pause of nothing":               {&world{}, (*Storage).Pause, "", 404, `virtualmachineinstance.kubevirt.io "vm" not found`},
		"pause of what does not run":     {newWorld(kubevirtv1.Scheduled), (*Storage).Pause, "", 409, "VM is not running"},
		"pause of what is paused":        {newWorld(running, paused), (*Storage).Pause, "", 409, "VMI is already paused"},
		"unpause":                        {newWorld(running, paused), (*Storage).Unpause, "{}", 200, ""},
		"unpause, dry run":               {newWorld(running, paused), (*Storage).Unpause, `{"dryRun":["All"]}`, 200, ""},
		"unpause of what does not run":   {newWorld(kubevirtv1.Succeeded, paused), (*Storage).Unpause, "", 409, "VMI is not running"},
		"unpause of what runs":           {newWorld(running), (*Storage).Unpause, "", 409, "VMI is not paused"},
		"soft reboot":                    {newWorld(running), (*Storage).SoftReboot, "", 200, ""},
		"soft reboot by the agent":       {newWorld(running, withoutACPI, withAgent), (*Storage).SoftReboot, "", 200, ""},
		"soft reboot by nothing":         {newWorld(running, withoutACPI), (*Storage).SoftReboot, "", 409, "neither have the agent connected nor the ACPI feature enabled"},
		"soft reboot of what is paused":  {newWorld(running, paused), (*Storage).SoftReboot, "", 409, "VMI is paused"},
		"soft reboot of what is pending": {newWorld(kubevirtv1.Pending), (*Storage).SoftReboot, "", 409, "VM is not running"},
		"reset":                          {newWorld(running), (*Storage).Reset, "", 200, ""},
		"reset of what is pending":       {newWorld(kubevirtv1.Pending), (*Storage).Reset, "", 400, "Failed to reset non-running VMI with phase Pending"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := send(t, test.action(test.world.storage(), &kubevirtv1.VirtualMachineInstance{}), "action", test.body)
			assert.Equal(t, test.code, answer.Code)
			if test.code == http.StatusOK {
				assert.Empty(t, answer.Body.String())
			}
			assert.Contains(t, answer.Body.String(), test.text)
			asked := test.code == http.StatusOK && !strings.Contains(test.body, "dryRun")
			assert.Equal(t, asked, len(test.world.called) == 1, test.world.called)
		})
	}
}

func TestControlHandsOnWhatTheLauncherRefused(t *testing.T) {
	w := newWorld(kubevirtv1.Running)
	w.refuse = apierrors.NewServiceUnavailable("the launcher does not answer")
	answer := send(t, w.storage().Reset(w.vmi), "reset", "")
	assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
}

func TestStreamsAreChosenByTheirPath(t *testing.T) {
	for path, want := range map[string]string{
		"console":                   streams.Console,
		"vnc":                       streams.VNC,
		"vnc?preserveSession=false": streams.VNC,
		"vnc?preserveSession=true":  streams.VNCIfFree,
		"portforward/22":            streams.PortForward(22, streams.TCP),
		"portforward/22/tcp":        streams.PortForward(22, streams.TCP),
		"portforward/53/udp":        streams.PortForward(53, streams.UDP),
		"vsock?port=1024&tls=false": streams.VSOCK(1024),
	} {
		t.Run(path, func(t *testing.T) {
			w := newWorld(kubevirtv1.Running, withVSOCK)
			plain, query, _ := strings.Cut(path, "?")
			server := httptest.NewServer(serve(t, stream(w, plain), plain))
			defer server.Close()
			socket, err := streams.Dial(t.Context(), server.URL+"/?"+query, server.Client())
			require.NoError(t, err)
			got, err := io.ReadAll(socket)
			require.NoError(t, err)
			assert.Equal(t, "hello", string(got))
			assert.Equal(t, []string{want}, w.opened)
		})
	}
}

func stream(w *world, path string) rest.Storage {
	kind := &kubevirtv1.VirtualMachineInstance{}
	switch subresource, _, _ := strings.Cut(path, "/"); subresource {
	case "vnc":
		return w.storage().VNC(kind)
	case "portforward":
		return w.storage().PortForward(kind, nil)
	case "vsock":
		return w.storage().VSOCK(kind)
	default:
		return w.storage().Console(kind, nil)
	}
}

func TestStreamsAreRefusedWithUpstreamsCodes(t *testing.T) {
	const running = kubevirtv1.Running
	for name, test := range map[string]struct {
		world *world
		path  string
		code  int
		text  string
	}{
		"no instance":             {&world{}, "vnc", 404, `"vm" not found`},
		"no screen":               {newWorld(running, headless), "vnc", 400, "No graphics devices are present."},
		"screen of what is off":   {newWorld(kubevirtv1.Succeeded), "vnc", 400, "VMI is not running"},
		"neither true nor false":  {newWorld(running), "vnc?preserveSession=maybe", 400, "preserveSession must be true or false"},
		"no such path":            {newWorld(running), "vnc/video", 404, "video"},
		"console of what is off":  {newWorld(kubevirtv1.Failed), "console", 409, "VMI is in failed status"},
		"console of what waits":   {newWorld(kubevirtv1.Pending), "console", 400, "phase is Pending"},
		"port of what is paused":  {newWorld(running, paused), "portforward/22", 409, "VMI is paused"},
		"port of what is off":     {newWorld(kubevirtv1.Scheduling), "portforward/22", 400, "VMI is not running"},
		"no port":                 {newWorld(running), "portforward", 400, "portforward/{port}"},
		"port that is a name":     {newWorld(running), "portforward/ssh", 400, `not "ssh"`},
		"port that is too large":  {newWorld(running), "portforward/65536", 400, "from 1 to 65535"},
		"protocol of another age": {newWorld(running), "portforward/22/sctp", 400, "protocol must be tcp or udp"},
		"vsock without a port":    {newWorld(running, withVSOCK), "vsock?tls=false", 400, "port is needed"},
		"vsock of a name":         {newWorld(running, withVSOCK), "vsock?tls=false&port=ssh", 400, `not "ssh"`},
		"vsock of any port":       {newWorld(running, withVSOCK), "vsock?tls=false&port=4294967295", 400, "from 1 to 4294967294"},
		"vsock over TLS":          {newWorld(running, withVSOCK), "vsock?tls=true&port=1", 400, "tls=false"},
		"vsock as by default":     {newWorld(running, withVSOCK), "vsock?port=1", 400, "tls=false"},
		"vsock and maybe TLS":     {newWorld(running, withVSOCK), "vsock?tls=maybe&port=1", 400, "tls must be true or false"},
		"vsock of what has none":  {newWorld(running), "vsock?tls=false&port=1", 400, "VSOCK is not attached."},
		"vsock of what is off":    {newWorld(kubevirtv1.Scheduled, withVSOCK), "vsock?tls=false&port=1", 400, "VMI is not running"},
		"vsock of nobody":         {&world{}, "vsock?tls=false&port=1", 404, `"vm" not found`},
		"more path":               {newWorld(running), "portforward/22/tcp/x", 400, "portforward/{port}"},
	} {
		t.Run(name, func(t *testing.T) {
			plain, query, _ := strings.Cut(test.path, "?")
			server := httptest.NewServer(serve(t, stream(test.world, plain), plain))
			defer server.Close()
			_, err := streams.Dial(t.Context(), server.URL+"/?"+query, server.Client())
			var status apierrors.APIStatus
			require.ErrorAs(t, err, &status)
			assert.Equal(t, test.code, int(status.Status().Code))
			assert.ErrorContains(t, err, test.text)
			assert.Empty(t, test.world.opened)
		})
	}
}

func TestScreenshotIsAPNGOrAPlain500(t *testing.T) {
	w := newWorld(kubevirtv1.Running)
	for _, query := range []string{"", "?moveCursor=true"} {
		answer := send(t, w.storage().VNC(w.vmi), "vnc/screenshot"+query, "")
		assert.Equal(t, http.StatusOK, answer.Code)
		assert.Equal(t, "image/png", answer.Header().Get("Content-Type"))
		assert.Equal(t, "a picture", answer.Body.String())
	}
	assert.Equal(t, []string{"uid screenshot", "uid screenshot moved"}, w.called)
	w.refuse = apierrors.NewServiceUnavailable("start libvirtd")
	for text, w := range map[string]*world{
		"not found":      {},
		"No graphics":    newWorld(kubevirtv1.Running, headless),
		"not running":    newWorld(kubevirtv1.Failed),
		"start libvirtd": w,
	} {
		answer := send(t, w.storage().VNC(&kubevirtv1.VirtualMachineInstance{}), "vnc/screenshot", "")
		assert.Equal(t, http.StatusInternalServerError, answer.Code, text)
		assert.Contains(t, answer.Header().Get("Content-Type"), "text/plain")
		assert.Contains(t, answer.Body.String(), text)
	}
}

func TestStreamsOfAParentAreThoseOfTheInstanceThatItFinds(t *testing.T) {
	kind := &kubevirtv1.VirtualMachineInstance{}
	for path, open := range map[string]func(*Storage, Find) rest.Storage{
		"console":        func(s *Storage, find Find) rest.Storage { return s.Console(kind, find) },
		"portforward/22": func(s *Storage, find Find) rest.Storage { return s.PortForward(kind, find) },
	} {
		t.Run(path, func(t *testing.T) {
			w := newWorld(kubevirtv1.Running)
			none := func(_ context.Context, name string) (*kubevirtv1.VirtualMachineInstance, error) {
				return nil, conflict(name, "VMI is not started")
			}
			server := httptest.NewServer(serve(t, open(w.storage(), none), path))
			defer server.Close()
			_, err := streams.Dial(t.Context(), server.URL, server.Client())
			assert.ErrorContains(t, err, "VMI is not started")
			assert.Empty(t, w.opened)
		})
	}
}
