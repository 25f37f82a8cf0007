// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"encoding/json"
	"errors"
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
	"k8s.io/apiserver/pkg/registry/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// instance is one that there is, or none.
type instance struct {
	*kubevirtv1.VirtualMachineInstance
}

func (i instance) Get(_ context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	if i.VirtualMachineInstance == nil {
		return nil, apierrors.NewNotFound(kubevirtv1.Resource("virtualmachineinstances"), name)
	}
	return i.VirtualMachineInstance, nil
}

// calls is a launcher that answers alike whatever it is asked, and keeps what that was.
type calls struct {
	answer string
	err    error
	action string
	sent   any
}

func (c *calls) Call(_ context.Context, _ *kubevirtv1.VirtualMachineInstance, action string, in, out any) error {
	c.action, c.sent = action, in
	if c.err != nil || out == nil {
		return c.err
	}
	return json.Unmarshal([]byte(c.answer), out)
}

func talking(agent bool) *kubevirtv1.VirtualMachineInstance {
	vmi := &kubevirtv1.VirtualMachineInstance{Status: kubevirtv1.VirtualMachineInstanceStatus{Phase: kubevirtv1.Running}}
	if agent {
		vmi.Status.SetCondition(kubevirtv1.VirtualMachineInstanceCondition{
			Type: kubevirtv1.VirtualMachineInstanceAgentConnected, Status: corev1.ConditionTrue,
		}, metav1.Time{})
	}
	return vmi
}

// refusals keeps the error of a request.
type refusals struct{ err error }

func (r *refusals) Object(int, runtime.Object) {}
func (r *refusals) Error(err error)            { r.err = err }

// request sends one to a subresource and returns what it answers.
func request(t *testing.T, storage rest.Storage, method, body string) (code int, text string) {
	t.Helper()
	responder := &refusals{}
	handler, err := storage.(rest.Connecter).Connect(t.Context(), "web", nil, responder)
	require.NoError(t, err)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(method, "/", strings.NewReader(body)))
	if responder.err != nil {
		status := responder.err.(apierrors.APIStatus).Status()
		return int(status.Code), status.Message
	}
	return recorder.Code, strings.TrimSpace(recorder.Body.String())
}

func TestQuestionsAreAnsweredAsUpstreamDoes(t *testing.T) {
	for name, test := range map[string]struct {
		vmi      *kubevirtv1.VirtualMachineInstance
		launcher calls
		code     int
		text     string
	}{
		"an answer":   {talking(true), calls{answer: `[{"userName":"root","loginTime":1.5}]`}, 200, `{"metadata":{},"items":[{"userName":"root","loginTime":1.5}]}`},
		"no instance": {nil, calls{}, 500, `virtualmachineinstance.kubevirt.io "web" not found`},
		"not running": {&kubevirtv1.VirtualMachineInstance{}, calls{}, 500, "VMI is not running"},
		"no agent":    {talking(false), calls{}, 500, "VMI does not have guest agent connected"},
		"refused":     {talking(true), calls{err: errors.New("the guest agent answered nonsense")}, 500, "the guest agent answered nonsense"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Storage{control: &control{instances: instance{test.vmi}, calls: &test.launcher}}
			code, text := request(t, s.UserList(&kubevirtv1.VirtualMachineInstance{}), http.MethodGet, "")
			assert.Equal(t, test.code, code)
			assert.Contains(t, text, test.text)
		})
	}
}

func TestEachQuestionIsItsOwn(t *testing.T) {
	launcher := &calls{answer: `{"guestAgentVersion":"7.2.0"}`}
	s := &Storage{control: &control{instances: instance{talking(true)}, calls: launcher}}
	code, text := request(t, s.GuestOSInfo(&kubevirtv1.VirtualMachineInstance{}), http.MethodGet, "")
	assert.Equal(t, 200, code)
	assert.Contains(t, text, `"guestAgentVersion":"7.2.0"`)
	assert.Equal(t, api.ActionGuestInfo, launcher.action)
	launcher.answer = `[{"diskName":"vda1","mountPoint":"/","fileSystemType":"ext4","usedBytes":1,"totalBytes":2}]`
	_, text = request(t, s.FileSystemList(&kubevirtv1.VirtualMachineInstance{}), http.MethodGet, "")
	assert.JSONEq(t, `{"metadata":{},"items":`+launcher.answer+`}`, text)
	assert.Equal(t, api.ActionFileSystems, launcher.action)
}

func TestFreezeTakesATimeout(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		vmi  *kubevirtv1.VirtualMachineInstance
		code int
		sent any
	}{
		"minutes":     {`{"unfreezeTimeout":"2m"}`, talking(false), 200, api.FreezeRequest{TimeoutSeconds: 120}},
		"a moment":    {`{"unfreezeTimeout":"1ms"}`, talking(false), 200, api.FreezeRequest{TimeoutSeconds: 1}},
		"the default": {`{"unfreezeTimeout":"0s"}`, talking(false), 200, api.FreezeRequest{}},
		"none":        {`{}`, talking(false), 400, nil},
		"nothing":     {``, talking(false), 400, nil},
		"negative":    {`{"unfreezeTimeout":"-1s"}`, talking(false), 400, nil},
		"for ever":    {`{"unfreezeTimeout":"10000h"}`, talking(false), 400, nil},
		"not running": {`{"unfreezeTimeout":"2m"}`, &kubevirtv1.VirtualMachineInstance{}, 409, nil},
		"no instance": {`{"unfreezeTimeout":"2m"}`, nil, 404, nil},
	} {
		t.Run(name, func(t *testing.T) {
			launcher := &calls{}
			s := &Storage{control: &control{instances: instance{test.vmi}, calls: launcher}}
			code, _ := request(t, s.Freeze(&kubevirtv1.VirtualMachineInstance{}), http.MethodPut, test.body)
			assert.Equal(t, test.code, code)
			assert.Equal(t, test.sent, launcher.sent)
		})
	}
}

func TestUnfreezeNeedsAGuestThatRuns(t *testing.T) {
	launcher := &calls{}
	s := &Storage{control: &control{instances: instance{talking(false)}, calls: launcher}}
	code, _ := request(t, s.Unfreeze(&kubevirtv1.VirtualMachineInstance{}), http.MethodPut, "")
	assert.Equal(t, 200, code)
	assert.Equal(t, api.ActionUnfreeze, launcher.action)
	s.control.instances = instance{&kubevirtv1.VirtualMachineInstance{}}
	code, _ = request(t, s.Unfreeze(&kubevirtv1.VirtualMachineInstance{}), http.MethodPut, "")
	assert.Equal(t, 409, code)
}
