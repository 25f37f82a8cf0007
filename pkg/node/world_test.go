// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kubernetesfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

const soon = 60 * time.Second

var vmKey = types.NamespacedName{Namespace: "n", Name: "vm"}

// locator has the disk of claim C at /disks/C.
type locator struct{}

func (locator) Locate(_ context.Context, claim *corev1.PersistentVolumeClaim) (string, error) {
	if claim.Name == "unbound" {
		return "", errors.New("the claim is not bound yet")
	}
	return "/disks/" + claim.Name, nil
}

// world is everything around an agent.
type world struct {
	t        *testing.T
	server   *fakeServer
	core     *kubernetesfake.Clientset
	launcher *fakeLauncher
	recorder *record.FakeRecorder
	clock    *testclock.FakePassiveClock
	// disks are of container images; nil where there are none.
	disks *fakeDisks
}

func newWorld(t *testing.T) *world {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "root-disk"},
		Spec:       corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}},
		Status:     corev1.PersistentVolumeClaimStatus{Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("2Gi")}},
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "seed"},
		Data:       map[string][]byte{"userData": []byte("#cloud-config"), "networkdata": []byte("version: 2")},
	}
	return &world{
		t:        t,
		server:   newFakeServer(t),
		core:     kubernetesfake.NewClientset(claim, secret),
		launcher: newFakeLauncher(),
		recorder: record.NewFakeRecorder(1000),
		clock:    testclock.NewFakePassiveClock(time.Now()),
	}
}

func (w *world) config() Config {
	config := Config{
		NodeName: "node-a", Clientset: w.server, Core: w.core, Launcher: w.launcher,
		Volumes: locator{}, Recorder: w.recorder, Clock: w.clock,
	}
	if w.disks != nil {
		config.ContainerDisks = w.disks
	}
	return config
}

// run runs an agent; the returned function ends it and waits.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	agent := New(w.config())
	go func() { done <- agent.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			assert.NoError(w.t, err)
		case <-time.After(soon):
			assert.Fail(w.t, "the agent does not end")
		}
	}
	w.t.Cleanup(stop)
	return stop
}

func (w *world) eventually(what string, condition func() bool) {
	w.t.Helper()
	require.Eventually(w.t, condition, soon, 5*time.Millisecond, what)
}

func (w *world) untilPhase(phase kubevirtv1.VirtualMachineInstancePhase) *kubevirtv1.VirtualMachineInstance {
	w.t.Helper()
	var vmi *kubevirtv1.VirtualMachineInstance
	w.eventually(fmt.Sprintf("phase %s", phase), func() bool {
		vmi = w.server.get("vm")
		return vmi != nil && vmi.Status.Phase == phase
	})
	return vmi
}

// settle waits until a domain that was added last has gone the whole way through the agent: what had to
// happen before should have.
func (w *world) settle() {
	w.t.Helper()
	uid := types.UID(fmt.Sprintf("marker-%d", time.Now().UnixNano()))
	w.launcher.put(api.DomainStatus{Namespace: "n", Name: string(uid), UID: uid, State: api.StateSucceeded})
	w.eventually("the agent has seen all", func() bool {
		return w.launcher.state(types.NamespacedName{Namespace: "n", Name: string(uid)}) == ""
	})
}

func scheduled() *kubevirtv1.VirtualMachineInstance {
	memory := verbatim.MustParse("256Mi")
	return &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "n", Name: "vm", UID: "u1",
			Finalizers: []string{kubevirtv1.VirtualMachineInstanceFinalizer},
		},
		Spec: kubevirtv1.VirtualMachineInstanceSpec{
			Domain: kubevirtv1.DomainSpec{
				CPU:    &kubevirtv1.CPU{Sockets: ptr.To[uint32](1), Cores: ptr.To[uint32](2), Threads: ptr.To[uint32](1)},
				Memory: &kubevirtv1.Memory{Guest: &memory},
			},
			TerminationGracePeriodSeconds: ptr.To(int64(60)),
			Volumes: []kubevirtv1.Volume{
				{Name: "root", VolumeSource: kubevirtv1.VolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: "root-disk"}}},
				{Name: "seed", VolumeSource: kubevirtv1.VolumeSource{CloudInitNoCloud: &kubevirtv1.CloudInitSource{
					UserDataSecretRef: &corev1.LocalObjectReference{Name: "seed"}, NetworkDataBase64: ptr.To("dmVyc2lvbjogMQ=="),
				}}},
			},
		},
		Status: kubevirtv1.VirtualMachineInstanceStatus{Phase: kubevirtv1.Scheduled, NodeName: "node-a"},
	}
}

func condition(vmi *kubevirtv1.VirtualMachineInstance, kind kubevirtv1.VirtualMachineInstanceConditionType) kubevirtv1.VirtualMachineInstanceCondition {
	for _, condition := range vmi.Status.Conditions {
		if condition.Type == kind {
			return condition
		}
	}
	return kubevirtv1.VirtualMachineInstanceCondition{}
}

func (w *world) events() []string {
	var events []string
	for {
		select {
		case event := <-w.recorder.Events:
			events = append(events, event)
		default:
			return events
		}
	}
}
