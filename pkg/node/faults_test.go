// SPDX-License-Identifier: Apache-2.0

package node

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

func TestAgentEndsWhatLibvirtRefuses(t *testing.T) {
	t.Parallel()
	for reason, told := range map[string]string{
		api.ErrorStartFailed: api.ErrorStartFailed, api.ErrorInvalid: api.ErrorStartFailed, api.ErrorNoSCSIDevice: "NoSCSIDevice",
	} {
		t.Run(reason, func(t *testing.T) {
			w := newWorld(t)
			w.launcher.refuse = &api.Error{Reason: reason, Message: "no such CPU model: " + strings.Repeat("é", 5000)}
			w.run()
			w.server.create(scheduled())

			vmi := w.untilPhase(kubevirtv1.Failed)

			assert.Equal(t, told, vmi.Status.Reason)
			synchronized := condition(vmi, kubevirtv1.VirtualMachineInstanceSynchronized)
			assert.Equal(t, told, synchronized.Reason)
			assert.Equal(t, corev1.ConditionFalse, synchronized.Status)
			assert.Contains(t, synchronized.Message, "no such CPU model")
			assert.Less(t, len(synchronized.Message), 2*maxMessage)
			assert.True(t, utf8.ValidString(synchronized.Message))
			assert.Equal(t, 1, w.server.writeCount())
		})
	}
}

// A trouble that may pass is told when it lasts, and the guest starts when it is over.
func TestAgentReportsTroubleThatLasts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cause   func(*world, *kubevirtv1.VirtualMachineInstance)
		cure    func(*world)
		reason  string
		message string
	}{
		"launcher is down": {
			func(w *world, _ *kubevirtv1.VirtualMachineInstance) { w.launcher.setDown(true) },
			func(w *world) { w.launcher.setDown(false) },
			reasonLauncherUnavailable, "connection refused",
		},
		"libvirt is down": {
			func(w *world, _ *kubevirtv1.VirtualMachineInstance) { w.launcher.noLibvirt = true },
			func(w *world) { w.launcher.with(func() { w.launcher.noLibvirt = false }) },
			api.ErrorLibvirtUnavailable, "start libvirtd",
		},
		"no claim": {
			func(w *world, vmi *kubevirtv1.VirtualMachineInstance) { vmi.Spec.Volumes[0].DataVolume.Name = "later" },
			func(w *world) { w.addClaim("later") },
			reasonVolumeNotReady, `volume "root": there is no PersistentVolumeClaim "later" in namespace "n"`,
		},
		"no secret": {
			func(w *world, vmi *kubevirtv1.VirtualMachineInstance) {
				vmi.Spec.Volumes[1].CloudInitNoCloud.UserDataSecretRef.Name = "later"
			},
			func(w *world) { w.addSecret("later", "userdata") },
			reasonCloudInitNotReady, `volume "seed": user data: there is no Secret "later" in namespace "n"`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			vmi := scheduled()
			tc.cause(w, vmi)
			w.run()
			w.server.create(vmi)
			w.eventually("the trouble is told", func() bool {
				// Each look finds that much time has passed.
				w.clock.SetTime(w.clock.Now().Add(time.Second))
				synchronized := condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceSynchronized)
				return synchronized.Status == corev1.ConditionFalse && synchronized.Reason == tc.reason && strings.Contains(synchronized.Message, tc.message)
			})
			assert.Equal(t, 1, w.server.writeCount(), "told once")
			assert.Equal(t, kubevirtv1.Scheduled, w.server.get("vm").Status.Phase)

			tc.cure(w)

			running := w.untilPhase(kubevirtv1.Running)
			assert.Equal(t, corev1.ConditionTrue, condition(running, kubevirtv1.VirtualMachineInstanceSynchronized).Status)
			assert.Equal(t, 1, w.launcher.starts["u1"])
		})
	}
}

func (w *world) addClaim(name string) {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name}}
	_, err := w.core.CoreV1().PersistentVolumeClaims("n").Create(w.t.Context(), claim, metav1.CreateOptions{})
	require.NoError(w.t, err)
}

func (w *world) addSecret(name, key string) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name}, Data: map[string][]byte{key: []byte("x")}}
	_, err := w.core.CoreV1().Secrets("n").Create(w.t.Context(), secret, metav1.CreateOptions{})
	require.NoError(w.t, err)
}

func TestSeedIsResolvedAndBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addSecret("empty", "something")
	agent := New(w.config())
	ref := func(name string) *corev1.LocalObjectReference { return &corev1.LocalObjectReference{Name: name} }
	tests := map[string]struct {
		source kubevirtv1.CloudInitSource
		want   api.Seed
		err    string
	}{
		"inline": {kubevirtv1.CloudInitSource{UserData: ptr.To("a"), NetworkData: ptr.To("b")}, api.Seed{UserData: []byte("a"), NetworkData: []byte("b")}, ""},
		"encoded": {kubevirtv1.CloudInitSource{UserDataBase64: ptr.To("YQ=="), NetworkDataBase64: ptr.To("Yg==")},
			api.Seed{UserData: []byte("a"), NetworkData: []byte("b")}, ""},
		"secret": {kubevirtv1.CloudInitSource{UserDataSecretRef: ref("seed"), NetworkDataSecretRef: ref("seed")},
			api.Seed{UserData: []byte("#cloud-config"), NetworkData: []byte("version: 2")}, ""},
		"badly encoded": {kubevirtv1.CloudInitSource{UserDataBase64: ptr.To("%")}, api.Seed{}, "user data: illegal base64"},
		"no key":        {kubevirtv1.CloudInitSource{NetworkDataSecretRef: ref("empty")}, api.Seed{}, "no key networkdata or networkData"},
		"no secret":     {kubevirtv1.CloudInitSource{UserDataSecretRef: ref("none")}, api.Seed{}, `no Secret "none"`},
		"too long":      {kubevirtv1.CloudInitSource{UserData: ptr.To(strings.Repeat("x", maxSeedBytes+1))}, api.Seed{}, "more than the 1048576"},
		"too long when decoded": {kubevirtv1.CloudInitSource{NetworkDataBase64: ptr.To(base64.StdEncoding.EncodeToString(make([]byte, maxSeedBytes+1)))},
			api.Seed{}, "more than the 1048576"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			seed, err := agent.seed(t.Context(), "n", &tc.source)
			if tc.err != "" {
				assert.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			if tc.want.UserData != nil {
				assert.Equal(t, tc.want, seed)
			}
		})
	}
}

func TestAgentTellsOfAGuestThatIsGone(t *testing.T) {
	t.Parallel()
	for name, reboot := range map[string]func(*world){
		"libvirt does not know it":   func(w *world) { w.launcher.lose(vmKey) },
		"libvirt has not started it": func(w *world) { w.launcher.change(vmKey, api.StateStarting, "", "") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			stop := w.run()
			w.server.create(scheduled())
			w.untilPhase(kubevirtv1.Running)
			stop()
			reboot(w)

			w.run()

			vmi := w.untilPhase(kubevirtv1.Failed)
			assert.Equal(t, reasonDomainGone, vmi.Status.Reason)
			assert.Equal(t, 1, w.launcher.startCount("u1"))
		})
	}
}

// While nobody can say what runs, nothing is concluded from it.
func TestAgentConcludesNothingFromSilence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.run()
	w.server.create(scheduled())
	w.untilPhase(kubevirtv1.Running)
	stop()
	before := w.server.writeCount()

	t.Run("launcher is down", func(t *testing.T) {
		w.launcher.setDown(true)
		stop := w.run()
		w.server.edit("vm", func(vmi *kubevirtv1.VirtualMachineInstance) { vmi.Labels = map[string]string{"a": "b"} })
		assert.Never(t, func() bool { return w.server.writeCount() > before }, 300*time.Millisecond, 10*time.Millisecond)
		stop()
		w.launcher.setDown(false)
	})
	t.Run("libvirt is down and its guests unknown", func(t *testing.T) {
		domain := w.launcher.domains[vmKey]
		w.launcher.lose(vmKey)
		w.launcher.noLibvirt = true
		stop := w.run()
		w.eventually("the agent watches", w.launcher.watched)
		assert.Never(t, func() bool { return w.server.writeCount() > before }, 300*time.Millisecond, 10*time.Millisecond)
		stop()
		w.launcher.noLibvirt = false
		w.launcher.put(domain)
	})
	t.Run("the server does not know the resource", func(t *testing.T) {
		w.server.PrependReactor("get", "virtualmachineinstances", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewGenericServerResponse(http.StatusNotFound, "GET", instancesResource.GroupResource(), "vm", "404 page not found", 0, true)
		})
		w.server.vanish("vm")
		stop := w.run()
		w.eventually("the agent watches", w.launcher.watched)
		assert.Never(t, func() bool { return w.launcher.state(vmKey) == "" }, 300*time.Millisecond, 10*time.Millisecond)
		stop()
	})
}

func TestAgentRemovesOrphans(t *testing.T) {
	t.Parallel()
	t.Run("instance is gone", func(t *testing.T) {
		w := newWorld(t)
		w.launcher.put(api.DomainStatus{Namespace: "n", Name: "vm", UID: "old", State: api.StateRunning})
		w.run()
		w.eventually("the domain is gone", func() bool { return w.launcher.state(vmKey) == "" })
	})
	t.Run("instance is another one", func(t *testing.T) {
		w := newWorld(t)
		w.launcher.put(api.DomainStatus{Namespace: "n", Name: "vm", UID: "old", State: api.StateRunning})
		w.server.create(scheduled())
		w.run()
		w.untilPhase(kubevirtv1.Running)
		assert.Equal(t, []types.UID{"old"}, w.launcher.deleted)
		assert.Equal(t, map[types.UID]int{"u1": 1}, w.launcher.starts)
	})
	t.Run("instance is bound elsewhere", func(t *testing.T) {
		w := newWorld(t)
		vmi := scheduled()
		vmi.Status.NodeName = "node-b"
		w.server.create(vmi)
		w.launcher.put(api.DomainStatus{Namespace: "n", Name: "vm", UID: "u1", State: api.StateRunning})
		w.run()
		w.settle()
		assert.Empty(t, w.launcher.deleted[1:], "only the marker")
	})
	t.Run("server fails", func(t *testing.T) {
		w := newWorld(t)
		w.server.PrependReactor("get", "virtualmachineinstances", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, errors.New("etcd is down")
		})
		w.launcher.put(api.DomainStatus{Namespace: "n", Name: "vm", UID: "old", State: api.StateRunning})
		w.run()
		w.eventually("the agent watches", w.launcher.watched)
		assert.Never(t, func() bool { return w.launcher.state(vmKey) == "" }, 300*time.Millisecond, 10*time.Millisecond)
	})
}

func TestAgentDoesNotStartWhatTheServerNoLongerHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent := New(w.config())
	vmi := scheduled()
	for name, live := range map[string]func(*kubevirtv1.VirtualMachineInstance){
		"stopped":   func(vmi *kubevirtv1.VirtualMachineInstance) { now := metav1.Now(); vmi.DeletionTimestamp = &now },
		"another":   func(vmi *kubevirtv1.VirtualMachineInstance) { vmi.UID = "u2" },
		"elsewhere": func(vmi *kubevirtv1.VirtualMachineInstance) { vmi.Status.NodeName = "node-b" },
		"ended":     func(vmi *kubevirtv1.VirtualMachineInstance) { vmi.Status.Phase = kubevirtv1.Failed },
	} {
		t.Run(name, func(t *testing.T) {
			now := scheduled()
			live(now)
			w.server.create(now)
			defer w.server.vanish("vm")
			assert.NoError(t, agent.start(t.Context(), vmi, nil))
		})
	}
	t.Run("gone", func(t *testing.T) { assert.NoError(t, agent.start(t.Context(), vmi, nil)) })
	assert.Empty(t, w.launcher.starts)
}
