// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/controllertest"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

const (
	instanceMade    = "create virtualmachineinstances"
	statusWrite     = "update virtualmachineinstances/status"
	instanceEnded   = "delete virtualmachineinstances"
	instancePatched = "patch virtualmachineinstances"
)

func TestInstanceIsHandedToItsNodeWithOneWrite(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(claim("c", corev1.ClaimBound), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}})
		w.create(newInstance("vm", ofClaim("c"), ofSecret("s")))
		assert.Equal(w, kubevirtv1.Scheduled, w.status("vm").Phase)
		assert.Equal(w, "node", w.status("vm").NodeName)
		w.enters("vm", kubevirtv1.Running)
		w.after(time.Hour)
		assert.Equal(w, []string{instanceMade, statusWrite}, w.server.Writes())
		placed, released := w.launchers.have()
		assert.Equal(w, []string{"vm"}, placed)
		assert.Empty(w, released)
		assert.Equal(w, []string{"Normal SuccessfulCreate Assigned the virtual machine instance to node node"}, w.events())
	})
}

func TestInstanceWaitsForItsDataVolumeWithOneWrite(t *testing.T) {
	inWorld(t, func(w *world) {
		volume := dataVolume("dv", cdiv1.Pending)
		w.create(newInstance("vm", ofDataVolume("dv")))
		w.after(100 * time.Millisecond)
		w.create(volume)
		w.after(time.Minute)
		assert.Equal(w, "NotAllDVsReady", w.status("vm").Condition(kubevirtv1.VirtualMachineInstanceDataVolumesReady).Reason)
		for _, phase := range []cdiv1.DataVolumePhase{cdiv1.ImportScheduled, cdiv1.ImportInProgress, cdiv1.Succeeded} {
			volume = volume.DeepCopy()
			volume.Status.Phase = phase
			require.NoError(w, w.server.Tracker().Update(cdiv1.SchemeGroupVersion.WithResource("datavolumes"), volume, "ns"))
			w.after(100 * time.Millisecond)
		}
		w.create(claim("dv", corev1.ClaimBound))
		assert.Equal(w, kubevirtv1.Scheduled, w.status("vm").Phase, "as soon as all is there")
		w.after(time.Minute)
		assert.Equal(w, []string{instanceMade, statusWrite, statusWrite}, w.server.Writes())
		assert.Len(w, w.events(), 1, "waiting is no news")
	})
}

func TestWhatIsMissingIsToldAndWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		instance *kubevirtv1.VirtualMachineInstance
		reason   string
		mend     any
	}{
		"claim":            {newInstance("vm", ofClaim("c")), "FailedPvcNotFound", claim("c", corev1.ClaimBound)},
		"secret":           {newInstance("vm", ofSecret("s")), "SecretNotFound", &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}}},
		"a kernel's login": {bootingWith("s"), "SecretNotFound", &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.create(test.instance)
				w.after(time.Minute)
				assert.Equal(w, test.reason, w.status("vm").Condition(kubevirtv1.VirtualMachineInstanceSynchronized).Reason)
				assert.Equal(w, []string{instanceMade, statusWrite}, w.server.Writes())
				events := w.events()
				require.Len(w, events, 1)
				assert.Contains(w, events[0], "Warning "+test.reason)
				w.create(test.mend)
				w.after(6 * time.Second)
				assert.Equal(w, kubevirtv1.Scheduled, w.status("vm").Phase)
				assert.Empty(w, w.status("vm").Conditions)
				assert.Empty(w, w.status("vm").Reason)
			})
		})
	}
}

// bootingWith is an instance whose kernel is pulled with that Secret.
func bootingWith(secret string) *kubevirtv1.VirtualMachineInstance {
	vmi := newInstance("vm")
	vmi.Spec.Domain.Firmware = &kubevirtv1.Firmware{KernelBoot: &kubevirtv1.KernelBoot{
		Container: &kubevirtv1.KernelBootContainer{Image: "a", KernelPath: ptr.To("/k"), ImagePullSecret: ptr.To(secret)},
	}}
	return vmi
}

func TestOneOfManyInstancesGetsAClaim(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(claim("c", corev1.ClaimBound))
		const many = 10
		var all []any
		for i := range many {
			all = append(all, newInstance(fmt.Sprintf("vm-%d", i), ofClaim("c")))
		}
		w.create(all...)
		for round := range many {
			w.after(time.Minute)
			placed, _ := w.launchers.have()
			require.Len(w, placed, round+1)
			holder := placed[round]
			waits := 0
			for i := range many {
				instance := w.server.Instance(fmt.Sprintf("vm-%d", i))
				if instance == nil || instance.Name == holder {
					continue
				}
				waits++
				condition := instance.Status.Condition(kubevirtv1.VirtualMachineInstancePodScheduled)
				require.NotNil(w, condition)
				assert.Equal(w, "Unschedulable", condition.Reason)
				assert.Contains(w, condition.Message, fmt.Sprintf("%q uses it", holder))
				assert.Contains(w, condition.Message, `"c"`)
			}
			assert.Equal(w, many-1-round, waits)
			if round%2 == 0 { // it ends by itself, and is deleted later
				w.enters(holder, kubevirtv1.Succeeded)
			}
			w.delete(holder)
			if round%2 == 1 { // its node ends it
				w.server.EditInstance(holder, controllertest.WithoutFinalizer)
			}
			w.after(time.Millisecond)
		}
	})
}

func TestClaimIsInUseAfterARestartToo(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(claim("c", corev1.ClaimBound), newInstance("first", ofClaim("c")))
		w.enters("first", kubevirtv1.Running)
		w.stop()
		w.create(newInstance("another", ofClaim("c")))
		w.run()
		w.after(time.Minute)
		assert.Contains(w, w.status("another").Condition(kubevirtv1.VirtualMachineInstancePodScheduled).Message, `"first" uses it`)
	})
}

func TestSharedClaimHasManyUsers(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(claim("c", corev1.ClaimBound, corev1.ReadWriteMany), newInstance("a", ofClaim("c")), newInstance("b", ofClaim("c")))
		assert.Equal(w, kubevirtv1.Scheduled, w.status("a").Phase)
		assert.Equal(w, kubevirtv1.Scheduled, w.status("b").Phase)
	})
}

func TestLauncherThatIsOnItsWayIsAskedForAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.launchers.answer(&workload.Placement{Reason: "LibvirtUnavailable", Message: "start libvirtd"}, nil)
		w.create(newInstance("vm"))
		w.after(time.Minute)
		assert.Equal(w, kubevirtv1.Scheduling, w.status("vm").Phase)
		assert.Equal(w, "LibvirtUnavailable", w.status("vm").Reason)
		assert.Equal(w, "Unschedulable", w.status("vm").Condition(kubevirtv1.VirtualMachineInstancePodScheduled).Reason)
		assert.Equal(w, []string{"Warning LibvirtUnavailable start libvirtd"}, w.events())
		w.launchers.answer(&workload.Placement{}, nil)
		w.after(time.Minute)
		assert.Nil(w, w.status("vm").Condition(kubevirtv1.VirtualMachineInstancePodScheduled))
		w.launchers.answer(nil, nil)
		w.after(2 * time.Second)
		assert.Equal(w, kubevirtv1.Scheduled, w.status("vm").Phase)
		assert.Equal(w, []string{instanceMade, statusWrite, statusWrite, statusWrite}, w.server.Writes())
	})
}

func TestLauncherThatCannotBeMadeIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		w.launchers.answer(nil, errors.New("libvirt is not installed"))
		w.create(newInstance("vm"))
		w.after(time.Minute)
		condition := w.status("vm").Condition(kubevirtv1.VirtualMachineInstanceSynchronized)
		require.NotNil(w, condition)
		assert.Equal(w, "FailedCreate", condition.Reason)
		assert.Contains(w, condition.Message, "libvirt is not installed")
		w.launchers.answer(nil, nil)
		w.after(6 * time.Second)
		assert.Equal(w, kubevirtv1.Scheduled, w.status("vm").Phase)
	})
}

func TestInstanceWithoutANodeGoesAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newInstance("vm", ofClaim("missing")))
		w.after(time.Second)
		w.delete("vm")
		assert.Nil(w, w.server.Instance("vm"))
		_, released := w.launchers.have()
		assert.Equal(w, []string{"vm"}, released)
		assert.Equal(w, []string{instanceMade, statusWrite, instanceEnded, instancePatched}, w.server.Writes())
	})
}

func TestInstanceOfANodeIsTheNodesToEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newInstance("vm"))
		w.enters("vm", kubevirtv1.Running)
		w.delete("vm")
		w.after(time.Hour)
		assert.NotNil(w, w.server.Instance("vm"))
		_, released := w.launchers.have()
		assert.Empty(w, released)
	})
}

func TestInstanceThatEndedIsReleasedAndStays(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newInstance("vm"))
		w.enters("vm", kubevirtv1.Failed)
		_, released := w.launchers.have()
		assert.Equal(w, []string{"vm"}, released)
		w.after(time.Hour)
		require.NotNil(w, w.server.Instance("vm"))
		assert.Equal(w, kubevirtv1.Failed, w.status("vm").Phase)
		w.delete("vm")
		assert.Nil(w, w.server.Instance("vm"))
	})
}

func TestLauncherOfAnInstanceThatJustGotANodeIsKept(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newInstance("vm"))
		w.stop()
		stale := w.server.Instance("vm")
		stale.Status, stale.ResourceVersion = kubevirtv1.VirtualMachineInstanceStatus{}, "1"
		w.delete("vm")
		c := &Controller{client: w.server, launchers: w.launchers}
		assert.Error(w, c.letGo(w.Context(), stale))
		_, released := w.launchers.have()
		assert.Empty(w, released)
	})
}
