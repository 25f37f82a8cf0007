// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

const stranded = "Warning Migrated EvictionStrategy is set but vmi is not migratable; there is one node"

func evictable(name string, strategy kubevirtv1.EvictionStrategy) *kubevirtv1.VirtualMachineInstance {
	instance := newInstance(name)
	if strategy != "" {
		instance.Spec.EvictionStrategy = &strategy
	}
	return instance
}

func TestInstanceTellsThatItCannotMigrateWithTheWriteThatGivesItItsNode(t *testing.T) {
	for strategy, warns := range map[kubevirtv1.EvictionStrategy]bool{
		"":                                  false,
		kubevirtv1.EvictionStrategyNone:     false,
		kubevirtv1.EvictionStrategyExternal: false,
		kubevirtv1.EvictionStrategyLiveMigrateIfPossible: false,
		kubevirtv1.EvictionStrategyLiveMigrate:           true,
	} {
		t.Run(string(strategy), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.launchers.answer(&workload.Placement{NodeName: "node", NotMigratable: "there is one node"}, nil)
				w.create(evictable("vm", strategy))
				w.enters("vm", kubevirtv1.Running)
				w.after(time.Hour)
				condition := w.status("vm").Condition(kubevirtv1.VirtualMachineInstanceIsMigratable)
				require.NotNil(w, condition)
				assert.Equal(w, corev1.ConditionFalse, condition.Status)
				assert.Equal(w, "NotMigratable", condition.Reason)
				assert.Equal(w, "there is one node", condition.Message)
				assert.Equal(w, []string{instanceMade, statusWrite}, w.server.Writes())
				events := w.events()
				assert.Contains(w, events, "Normal SuccessfulCreate Assigned the virtual machine instance to node node")
				assert.Equal(w, warns, len(events) == 2 && (events[0] == stranded || events[1] == stranded), "%q", events)
			})
		})
	}
}

func TestAGuestIsToldAsStrandedOnceForEachTimeThatItIsToMigrate(t *testing.T) {
	inWorld(t, func(w *world) {
		w.launchers.answer(&workload.Placement{NodeName: "node", NotMigratable: "there is one node"}, nil)
		w.create(evictable("vm", ""))
		w.enters("vm", kubevirtv1.Running)
		w.events()
		for _, want := range [][]string{{stranded}, nil, nil} {
			w.server.EditInstance("vm", func(instance *kubevirtv1.VirtualMachineInstance) {
				instance.Spec.EvictionStrategy = evictable("", kubevirtv1.EvictionStrategyLiveMigrate).Spec.EvictionStrategy
				instance.Status.Reason += "changed"
			})
			synctest.Wait()
			assert.Equal(w, want, w.events())
		}
		w.stop()
		w.run()
		w.after(time.Hour)
		assert.Empty(w, w.events(), "another controller has nothing to add")
	})
}

func TestNothingIsSaidOfMigrationWhereNobodyKnows(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(evictable("vm", kubevirtv1.EvictionStrategyLiveMigrate))
		assert.Nil(w, w.status("vm").Condition(kubevirtv1.VirtualMachineInstanceIsMigratable))
		assert.Len(w, w.events(), 1)
	})
}

func TestTheStrategyOfTheInstallationIsForInstancesThatHaveNone(t *testing.T) {
	inWorld(t, func(w *world) {
		settings := &kubevirtv1.KubeVirt{ObjectMeta: metav1.ObjectMeta{Name: kubevirtv1.KubeVirtName, Namespace: kubevirtv1.KubeVirtNamespace}}
		settings.Spec.Configuration.EvictionStrategy = ptr.To(kubevirtv1.EvictionStrategyLiveMigrate)
		require.NoError(w, w.server.Tracker().Create(kubevirtv1.SchemeGroupVersion.WithResource("kubevirts"), settings, settings.Namespace))
		w.after(time.Second)
		w.launchers.answer(&workload.Placement{NodeName: "node", NotMigratable: "there is one node"}, nil)
		w.create(evictable("own", kubevirtv1.EvictionStrategyNone))
		assert.NotContains(w, w.events(), stranded)
		w.create(evictable("none", ""))
		assert.Contains(w, w.events(), stranded)
	})
}
