// SPDX-License-Identifier: Apache-2.0

package virtualmachine_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/registrytest"
)

const (
	always  = kubevirtv1.RunStrategyAlways
	halted  = kubevirtv1.RunStrategyHalted
	manual  = kubevirtv1.RunStrategyManual
	rerun   = kubevirtv1.RunStrategyRerunOnFailure
	once    = kubevirtv1.RunStrategyOnce
	noPhase = kubevirtv1.VirtualMachineInstancePhase("none")
)

// call makes a PUT as the handlers do and returns the code and the error that it was answered with.
func call(ctx context.Context, storage rest.Storage, name, body string) (int, error) {
	recorder := httptest.NewRecorder()
	responder := &responder{}
	handler, err := storage.(rest.Connecter).Connect(ctx, name, nil, responder)
	if err != nil {
		return 0, err
	}
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodPut, "/", strings.NewReader(body)))
	if status, ok := responder.err.(apierrors.APIStatus); ok {
		return int(status.Status().Code), responder.err
	}
	return recorder.Code, responder.err
}

type responder struct{ err error }

func (r *responder) Object(int, runtime.Object) {}
func (r *responder) Error(err error)            { r.err = err }

func requests(vm *kubevirtv1.VirtualMachine) string {
	var actions []string
	for _, request := range vm.Status.StateChangeRequests {
		text := string(request.Action)
		if request.UID != nil {
			text += "(" + string(*request.UID) + ")"
		}
		if request.Data[kubevirtv1.StartRequestDataPaused] == "true" {
			text += "(paused)"
		}
		actions = append(actions, text)
	}
	return strings.Join(actions, " ")
}

func TestPowerActionsFollowTheRunStrategy(t *testing.T) {
	const running, succeeded, failed = kubevirtv1.Running, kubevirtv1.Succeeded, kubevirtv1.Failed
	tests := map[string]struct {
		strategy kubevirtv1.VirtualMachineRunStrategy
		phase    kubevirtv1.VirtualMachineInstancePhase
		action   string
		body     string

		code     int
		text     string
		becomes  kubevirtv1.VirtualMachineRunStrategy
		requests string
		grace    int64
	}{
		"start of a halted machine turns it on":          {strategy: halted, phase: noPhase, action: "start", code: 202, becomes: always},
		"start with an empty body":                       {strategy: halted, phase: noPhase, action: "start", body: "null", code: 202, becomes: always},
		"start with members that mean nothing":           {strategy: halted, phase: noPhase, action: "start", body: `{"headers":{"normalizedNames":{}}}`, code: 202, becomes: always},
		"start with a body that is none":                 {strategy: halted, phase: noPhase, action: "start", body: "[1", code: 400, text: "Can not unmarshal Request body to struct"},
		"start with a body that is huge":                 {strategy: halted, phase: noPhase, action: "start", body: strings.Repeat(" ", 65<<10), code: 413},
		"dry run changes nothing":                        {strategy: halted, phase: noPhase, action: "start", body: `{"dryRun":["All"]}`, code: 202, becomes: halted},
		"start paused turns it on with a request":        {strategy: halted, phase: noPhase, action: "start", body: `{"paused":true}`, code: 202, becomes: always, requests: "Start(paused)"},
		"start of what runs":                             {strategy: always, phase: running, action: "start", code: 409, text: "VM is already running"},
		"start of Always that does not run":              {strategy: always, phase: noPhase, action: "start", code: 409, text: "Always does not support manual start requests"},
		"start of Once that ran":                         {strategy: once, phase: succeeded, action: "start", code: 409, text: "Once does not support manual start requests"},
		"start of Manual is a request":                   {strategy: manual, phase: noPhase, action: "start", code: 202, becomes: manual, requests: "Start"},
		"start of Manual replaces the instance":          {strategy: manual, phase: failed, action: "start", code: 202, becomes: manual, requests: "Stop(the-uid) Start"},
		"start of RerunOnFailure after success":          {strategy: rerun, phase: succeeded, action: "start", code: 202, becomes: rerun, requests: "Stop(the-uid) Start"},
		"start of RerunOnFailure after failure":          {strategy: rerun, phase: failed, action: "start", code: 409, text: "RerunOnFailure does not support starting VM from failed state"},
		"stop of Always halts it":                        {strategy: always, phase: running, action: "stop", code: 202, becomes: halted},
		"stop of Once halts it":                          {strategy: once, phase: running, action: "stop", code: 202, becomes: halted},
		"stop of a halted machine":                       {strategy: halted, phase: noPhase, action: "stop", code: 409, text: "VM is not running"},
		"stop of one that is halting":                    {strategy: halted, phase: running, action: "stop", code: 409, text: "Halted only supports manual stop requests with a shorter graceperiod"},
		"stop of one that is halting, sooner":            {strategy: halted, phase: running, action: "stop", body: `{"gracePeriod":1}`, code: 202, becomes: halted, grace: 1},
		"stop of one that is halting, later":             {strategy: halted, phase: running, action: "stop", body: `{"gracePeriod":99}`, code: 409, text: "shorter graceperiod"},
		"stop with a negative grace period":              {strategy: always, phase: running, action: "stop", body: `{"gracePeriod":-1}`, code: 400},
		"stop of Manual is a request":                    {strategy: manual, phase: running, action: "stop", code: 202, becomes: manual, requests: "Stop(the-uid)"},
		"stop of Manual with no grace":                   {strategy: manual, phase: running, action: "stop", body: `{"gracePeriod":0}`, code: 202, becomes: manual, requests: "Stop(the-uid)"},
		"stop of Manual that ended":                      {strategy: manual, phase: succeeded, action: "stop", code: 409, text: "VM is not running"},
		"restart":                                        {strategy: always, phase: running, action: "restart", code: 202, becomes: always, requests: "Stop(the-uid) Start"},
		"restart at once":                                {strategy: always, phase: running, action: "restart", body: `{"gracePeriodSeconds":0}`, code: 202, becomes: always, requests: "Stop(the-uid) Start"},
		"restart with a grace period":                    {strategy: always, phase: running, action: "restart", body: `{"gracePeriodSeconds":5}`, code: 400, text: "only gracePeriod=0"},
		"restart with a negative grace period":           {strategy: always, phase: running, action: "restart", body: `{"gracePeriodSeconds":-5}`, code: 400, text: "greater or equal to 0"},
		"restart of a halted machine":                    {strategy: halted, phase: noPhase, action: "restart", code: 409, text: "RunStategy Halted does not support manual restart requests"},
		"restart of what does not run":                   {strategy: manual, phase: noPhase, action: "restart", code: 409, text: "VM is not running: Halted"},
		"start of an instance that is not scheduled yet": {strategy: manual, phase: kubevirtv1.Pending, action: "start", code: 409, text: "VM is already running"},
	}
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	number := 0
	for name, test := range tests {
		number++
		machine := "vm-" + string(rune('a'+number/26)) + string(rune('a'+number%26))
		t.Run(name, func(t *testing.T) {
			create(t, ctx, s.machines.Machine, newMachine(machine, test.strategy))
			var uid types.UID
			if test.phase != noPhase {
				uid = s.instance(t, ctx, machine, test.phase)
			}
			storage := map[string]rest.Storage{
				"start":   s.machines.Start(&kubevirtv1.VirtualMachine{}),
				"stop":    s.machines.Stop(&kubevirtv1.VirtualMachine{}),
				"restart": s.machines.Restart(&kubevirtv1.VirtualMachine{}),
			}[test.action]

			code, err := call(ctx, storage, machine, test.body)
			require.Equal(t, test.code, code, "%v", err)
			if test.code != http.StatusAccepted {
				assert.ErrorContains(t, err, test.text)
				return
			}
			vm := s.machine(t, ctx, machine)
			assert.Equal(t, test.becomes, vm.EffectiveRunStrategy())
			assert.Equal(t, strings.ReplaceAll(test.requests, "the-uid", string(uid)), requests(vm))
			if test.grace > 0 {
				obj, err := s.instances.Instance.Get(ctx, machine, &metav1.GetOptions{})
				require.NoError(t, err)
				assert.Equal(t, test.grace, *obj.(*kubevirtv1.VirtualMachineInstance).Spec.TerminationGracePeriodSeconds)
			}
		})
	}
}

// instance makes the instance of a machine, which is in the given phase, and returns its UID.
func (s storages) instance(t *testing.T, ctx context.Context, name string, phase kubevirtv1.VirtualMachineInstancePhase) types.UID {
	t.Helper()
	owner := metav1.NewControllerRef(s.machine(t, ctx, name), kubevirtv1.SchemeGroupVersion.WithKind("VirtualMachine"))
	return s.owned(t, ctx, name, phase, *owner)
}

// owned makes an instance that has owners, or none.
func (s storages) owned(t *testing.T, ctx context.Context, name string, phase kubevirtv1.VirtualMachineInstancePhase, owners ...metav1.OwnerReference) types.UID {
	t.Helper()
	vmi := create(t, ctx, s.instances.Instance, &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: registrytest.Namespace, OwnerReferences: owners}, Spec: newSpec(),
	})
	vmi.Status.Phase = phase
	_, _, err := s.instances.Status.Update(ctx, name, rest.DefaultUpdatedObjectInfo(vmi), nil, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	require.NoError(t, err)
	return vmi.UID
}

func TestStartOfAMachineThatIsWrittenWithRunningKeepsThatForm(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	vm := newMachine("vm", halted)
	vm.Spec.RunStrategy, vm.Spec.Running = nil, ptr.To(false)
	create(t, ctx, s.machines.Machine, vm)

	code, err := call(ctx, s.machines.Start(vm), "vm", "")
	require.Equal(t, http.StatusAccepted, code, "%v", err)
	got := s.machine(t, ctx, "vm")
	assert.Nil(t, got.Spec.RunStrategy)
	assert.True(t, *got.Spec.Running)
}

func TestASecondRequestIsRefusedWhileOneIsPending(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	create(t, ctx, s.machines.Machine, newMachine("vm", manual))
	start := s.machines.Start(&kubevirtv1.VirtualMachine{})
	_, err := call(ctx, start, "vm", "")
	require.NoError(t, err)
	code, err := call(ctx, start, "vm", "")
	assert.Equal(t, http.StatusConflict, code)
	assert.ErrorContains(t, err, "stop/start already underway")
}

func TestActionsOnWhatIsNotThereNameItAsUpstreamDoes(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	code, err := call(ctx, s.machines.Start(&kubevirtv1.VirtualMachine{}), "nobody", "")
	assert.Equal(t, http.StatusNotFound, code)
	assert.EqualError(t, err, `virtualmachine.kubevirt.io "nobody" not found`)
}

func TestAMachineReachesItsOwnInstanceAlone(t *testing.T) {
	s, ctx := newStorages(t, nil), registrytest.As(t, "user")
	_, err := s.machines.Instance(ctx, "vm")
	assert.EqualError(t, err, `virtualmachine.kubevirt.io "vm" not found`)
	vm := create(t, ctx, s.machines.Machine, newMachine("vm", manual))
	_, err = s.machines.Instance(ctx, "vm")
	require.ErrorContains(t, err, "VMI is not started")

	// One that is nobody's, and one of a machine of the name that was deleted.
	former := *metav1.NewControllerRef(vm, kubevirtv1.SchemeGroupVersion.WithKind("VirtualMachine"))
	former.UID = "another"
	for name, owners := range map[string][]metav1.OwnerReference{"nobodys": nil, "anothers": {former}} {
		create(t, ctx, s.machines.Machine, newMachine(name, manual))
		s.owned(t, ctx, name, kubevirtv1.Running, owners...)
		_, err = s.machines.Instance(ctx, name)
		require.ErrorContains(t, err, "VMI is not started", name)
		assert.True(t, apierrors.IsConflict(err))
		for path, body := range map[string]string{"stop": `{"gracePeriod":0}`, "restart": `{"gracePeriodSeconds":0}`} {
			storage := map[string]rest.Storage{
				"stop":    s.machines.Stop(&kubevirtv1.VirtualMachine{}),
				"restart": s.machines.Restart(&kubevirtv1.VirtualMachine{}),
			}[path]
			code, err := call(ctx, storage, name, body)
			require.Equal(t, http.StatusConflict, code, "%s %s: %v", path, name, err)
			assert.ErrorContains(t, err, "VM is not running")
		}
		obj, err := s.instances.Instance.Get(ctx, name, &metav1.GetOptions{})
		require.NoError(t, err)
		assert.Equal(t, kubevirtv1.DefaultTerminationGracePeriodSeconds, *obj.(*kubevirtv1.VirtualMachineInstance).Spec.TerminationGracePeriodSeconds)
	}

	uid := s.instance(t, ctx, "vm", kubevirtv1.Running)
	own, err := s.machines.Instance(ctx, "vm")
	require.NoError(t, err)
	assert.Equal(t, uid, own.UID)
}
