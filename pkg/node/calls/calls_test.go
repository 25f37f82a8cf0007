// SPDX-License-Identifier: Apache-2.0

package calls

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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// fakeLauncher answers with the body that it was sent, or refuses.
type fakeLauncher struct {
	called  api.Target
	actions []string
	refuse  error
	// hold keeps calls until it is closed, where it is not nil; held tells of each.
	hold chan struct{}
	held chan struct{}
}

func (f *fakeLauncher) Call(ctx context.Context, target api.Target, action string, in, out any) error {
	if f.hold != nil {
		f.held <- struct{}{}
		select {
		case <-f.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.called, f.actions = target, append(f.actions, action)
	if f.refuse != nil {
		return f.refuse
	}
	if in == nil || out == nil {
		return nil
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, out)
}

func instance() *kubevirtv1.VirtualMachineInstance {
	return &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "vm", UID: "1-2-3"},
		Status:     kubevirtv1.VirtualMachineInstanceStatus{NodeName: "node-a"},
	}
}

func TestLocalMakesAnAPIErrorOfEachRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		refuse error
		code   int32
		text   string
	}{
		"no such domain":   {&api.Error{Reason: api.ErrorNotFound, Message: "?"}, 404, `virtualmachineinstance.kubevirt.io "vm" not found`},
		"not running":      {&api.Error{Reason: api.ErrorNotRunning, Message: "it does not run"}, 409, "it does not run"},
		"another instance": {&api.Error{Reason: api.ErrorConflict, Message: "that of another instance"}, 409, "another instance"},
		"never works":      {&api.Error{Reason: api.ErrorInvalid, Message: "no screen"}, 400, "no screen"},
		"libvirt is down":  {&api.Error{Reason: api.ErrorLibvirtUnavailable, Message: "start libvirtd"}, 503, "start libvirtd"},
		"busy":             {&api.Error{Reason: api.ErrorLimit, Message: "too many"}, 503, "too many"},
		"launcher died":    {errors.New("connection refused"), 503, "launcher does not answer"},
		"launcher's bug":   {&api.Error{Reason: api.ErrorInternal, Message: "oops"}, 500, "oops"},
	} {
		t.Run(name, func(t *testing.T) {
			err := NewLocal(&fakeLauncher{refuse: test.refuse}, 1).Call(t.Context(), instance(), api.ActionPause, nil, nil)
			requireStatus(t, err, test.code)
			assert.ErrorContains(t, err, test.text)
		})
	}
}

func TestLocalNamesTheVeryInstance(t *testing.T) {
	launcher := &fakeLauncher{}
	require.NoError(t, NewLocal(launcher, 1).Call(t.Context(), instance(), api.ActionReset, nil, nil))
	assert.Equal(t, api.Target{Namespace: "n", Name: "vm", UID: "1-2-3"}, launcher.called)
	assert.Equal(t, []string{api.ActionReset}, launcher.actions)
}

func TestLocalCapsCallsAndTellsOfLateOnes(t *testing.T) {
	launcher := &fakeLauncher{hold: make(chan struct{}), held: make(chan struct{}, 1)}
	local := NewLocal(launcher, 1)
	ctx, leave := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { first <- local.Call(ctx, instance(), api.ActionPause, nil, nil) }()
	<-launcher.held

	err := local.Call(t.Context(), instance(), api.ActionPause, nil, nil)
	requireStatus(t, err, http.StatusServiceUnavailable)
	assert.ErrorContains(t, err, "busy with 1 calls")

	leave()
	requireStatus(t, <-first, http.StatusGatewayTimeout)
	close(launcher.hold)
	assert.NoError(t, local.Call(t.Context(), instance(), api.ActionPause, nil, nil), "a call that ended keeps no place")
}

// post sends a call to the handler of an agent.
func post(t *testing.T, caller Caller, action, body string) *http.Response {
	t.Helper()
	mux := http.NewServeMux()
	Handle(mux, caller)
	recorder := httptest.NewRecorder()
	path := "/v1/namespaces/n/virtualmachineinstances/vm/" + action + "?uid=1-2-3"
	mux.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	return recorder.Result()
}

func TestAgentPassesOnlyTheCallsThatAPIServersMayMake(t *testing.T) {
	launcher := &fakeLauncher{}
	local := NewLocal(launcher, 1)
	for _, action := range api.Actions() {
		assert.Equal(t, http.StatusNoContent, post(t, local, action, "").StatusCode, action)
	}
	assert.Equal(t, api.Actions(), launcher.actions)
	for _, action := range []string{"shutdown", "console", "..%2Fother%2Fpause", "Pause"} {
		assert.Equal(t, http.StatusNotFound, post(t, local, action, "").StatusCode, action)
	}
	assert.Equal(t, api.Actions(), launcher.actions)
}

func TestAgentCapsABody(t *testing.T) {
	launcher := &fakeLauncher{}
	local := NewLocal(launcher, 1)
	assert.Equal(t, http.StatusRequestEntityTooLarge, post(t, local, api.ActionPause, strings.Repeat(" ", api.MaxCallBytes+1)).StatusCode)
	assert.Empty(t, launcher.actions)
	assert.Equal(t, http.StatusOK, post(t, local, api.ActionPause, `{"a":1}`).StatusCode)
	assert.Equal(t, api.Target{Namespace: "n", Name: "vm", UID: "1-2-3"}, launcher.called)
}

func requireStatus(t *testing.T, err error, code int32) {
	t.Helper()
	var status apierrors.APIStatus
	require.ErrorAs(t, err, &status)
	require.Equal(t, code, status.Status().Code, err)
}
