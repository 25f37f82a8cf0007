// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

func TestADataVolumeIsFilled(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume())
		w.expectStatus(cdiv1.Pending, "N/A", "Bound=False:Pending", "Ready=False:", "Running=False:")

		w.bind("claim-1")
		w.expectStatus(cdiv1.ImportScheduled, "N/A", "Bound=True:Bound", "Ready=False:", "Running=False:ContainerCreating")

		w.run(-1)
		w.expectStatus(cdiv1.ImportInProgress, "N/A", "Bound=True:Bound", "Ready=False:TransferRunning", "Running=True:Pod is running")

		w.run(0.4217)
		w.pass(progressInterval)
		w.expectStatus(cdiv1.ImportInProgress, "42.17%", "Bound=True:Bound", "Ready=False:TransferRunning", "Running=True:Pod is running")

		w.succeed()
		w.expectStatus(cdiv1.Succeeded, "100.0%", "Bound=True:Bound", "Ready=True:", "Running=False:Completed")
		assert.Equal(t, "Import Complete", w.volume().Status.Condition(cdiv1.DataVolumeRunning).Message)
		assert.Equal(t, []string{"Bound", "ImportScheduled", "ImportInProgress", "ImportSucceeded"}, w.told())
		assert.Zero(t, w.volume().Status.RestartCount)
		_, ok := w.importers.State(volume)
		assert.False(t, ok, "what is done is forgotten")
	}, localClass())
}

func TestAQuickImportIsOneWrite(t *testing.T) {
	inWorld(t, func(w *world) {
		dv := newVolume()
		_, err := w.virt.CdiV1beta1().DataVolumes(dv.Namespace).Create(t.Context(), dv, metav1.CreateOptions{})
		require.NoError(t, err)
		w.pass(time.Millisecond)
		claim := w.claim()
		claim.Status.Phase = corev1.ClaimBound
		_, err = w.core.CoreV1().PersistentVolumeClaims(claim.Namespace).Update(t.Context(), claim, metav1.UpdateOptions{})
		require.NoError(t, err)
		w.pass(100 * time.Millisecond)
		w.succeed()
		w.expectStatus(cdiv1.Succeeded, "100.0%", "Bound=True:Bound", "Ready=True:", "Running=False:Completed")
		assert.Equal(t, 1, w.statusWrites())
	}, localClass())
}

func TestProgressIsNotEachTimeWritten(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume())
		w.bind("claim-1")
		w.run(0.1)
		before := w.statusWrites()
		for i := range 100 {
			w.importers.mu.Lock()
			state := w.importers.states[volume]
			state.Progress = 0.1 + float64(i)/1000
			w.importers.states[volume] = state
			w.importers.mu.Unlock()
			w.importers.notify(volume)
			w.pass(100 * time.Millisecond)
		}
		assert.LessOrEqual(t, w.statusWrites()-before, 6, "10 s")
		assert.GreaterOrEqual(t, w.statusWrites()-before, 4)
		w.pass(progressInterval)
		before = w.statusWrites()
		state, _ := w.importers.State(volume)
		w.run(state.Progress + 0.001)
		w.pass(time.Minute)
		assert.Equal(t, before, w.statusWrites(), "a thousandth is not worth it")
	}, localClass())
}

func TestTheClaimIsMadeFromStorage(t *testing.T) {
	nfs := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "nfs"}}
	for name, test := range map[string]struct {
		change func(*cdiv1.DataVolume)
		class  *string
		mode   corev1.PersistentVolumeMode
		access []corev1.PersistentVolumeAccessMode
		size   string
		disk   int64
	}{
		"defaults": {
			change: func(*cdiv1.DataVolume) {},
			class:  ptr.To("local"), mode: corev1.PersistentVolumeFilesystem,
			access: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			size:   "1Gi", disk: 1024 * mib,
		},
		"odd size": {
			change: func(dv *cdiv1.DataVolume) { dv.Spec.Storage.Resources = requests("1500M") },
			class:  ptr.To("local"), mode: corev1.PersistentVolumeFilesystem,
			access: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			size:   "1431Mi", disk: 1431 * mib,
		},
		"a class with overhead": {
			change: func(dv *cdiv1.DataVolume) { dv.Spec.Storage.StorageClassName = ptr.To("nfs") },
			class:  ptr.To("nfs"), mode: corev1.PersistentVolumeFilesystem,
			access: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			size:   "1138166334", disk: 1024 * mib,
		},
		"block": {
			change: func(dv *cdiv1.DataVolume) {
				dv.Spec.Storage.StorageClassName = ptr.To("nfs")
				dv.Spec.Storage.VolumeMode = ptr.To(corev1.PersistentVolumeBlock)
				dv.Spec.Storage.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
			},
			class: ptr.To("nfs"), mode: corev1.PersistentVolumeBlock,
			access: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany},
			size:   "1Gi", disk: 1024 * mib,
		},
		"no class": {
			change: func(dv *cdiv1.DataVolume) { dv.Spec.Storage.StorageClassName = ptr.To("") },
			class:  ptr.To(""), mode: corev1.PersistentVolumeFilesystem,
			access: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			size:   "1138166334", disk: 1024 * mib,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.create(newVolume(test.change))
				claim := w.claim()
				require.NotNil(t, claim)
				assert.Equal(t, test.class, claim.Spec.StorageClassName)
				assert.Equal(t, &test.mode, claim.Spec.VolumeMode)
				assert.Equal(t, test.access, claim.Spec.AccessModes)
				assert.Equal(t, test.size, claim.Spec.Resources.Requests.Storage().String())
				w.bind("claim-1")
				assert.Equal(t, test.disk, w.lastAttempt().Size)
			}, localClass(), nfs)
		})
	}
}

func TestTheClaimOfPVCIsVerbatim(t *testing.T) {
	inWorld(t, func(w *world) {
		spec := verbatim.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}, Resources: requests("1500M"),
		}
		w.create(newVolume(func(dv *cdiv1.DataVolume) {
			dv.Spec.Storage, dv.Spec.PVC = nil, &spec
			dv.Labels = map[string]string{"team": "a"}
			dv.Annotations = map[string]string{"note": "b", corev1.LastAppliedConfigAnnotation: "{}"}
		}))
		claim := w.claim()
		require.NotNil(t, claim)
		assert.Equal(t, *spec.Core(), claim.Spec)
		assert.Equal(t, map[string]string{"team": "a"}, claim.Labels)
		assert.Equal(t, map[string]string{"note": "b", cdiv1.CreatedForDataVolumeAnnotation: "dv-1"}, claim.Annotations)
		assert.True(t, metav1.IsControlledBy(claim, w.volume()))
	}, localClass())
}

func TestTheClaimWaitsForItsClass(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume())
		w.expectStatus(cdiv1.PhaseUnset, "N/A", "Bound=False:ErrClaimNotValid", "Ready=False:ErrClaimNotValid", "Running=False:")
		assert.Equal(t, []string{"ErrClaimNotValid"}, w.told())
		assert.Contains(t, w.volume().Status.Conditions[0].Message, "spec.storage.storageClassName")

		_, err := w.core.StorageV1().StorageClasses().Create(t.Context(), localClass(), metav1.CreateOptions{})
		require.NoError(t, err)
		w.settle()
		w.bind("claim-1")
		assert.Equal(t, 1, w.attempts())
	})
}

func TestANamedClassHasToExistAndMakeSense(t *testing.T) {
	odd := localClass()
	odd.Name, odd.Annotations = "odd", map[string]string{cdiv1.FilesystemOverheadAnnotation: "lots"}
	for class, words := range map[string]string{"missing": `"missing" does not exist`, "odd": `"lots"`} {
		t.Run(class, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.create(newVolume(func(dv *cdiv1.DataVolume) { dv.Spec.Storage.StorageClassName = &class }))
				assert.Nil(t, w.claim())
				assert.Contains(t, w.volume().Status.Conditions[0].Message, words)
			}, odd)
		})
	}
}

func TestTheDefaultForVirtualMachinesComesFirst(t *testing.T) {
	virt := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "virt", Annotations: map[string]string{defaultVirtClass: "true"}}}
	inWorld(t, func(w *world) {
		w.create(newVolume())
		require.NotNil(t, w.claim())
		assert.Equal(t, ptr.To("virt"), w.claim().Spec.StorageClassName)
	}, localClass(), virt)
}

func TestAForeignClaimIsNotTouched(t *testing.T) {
	foreign := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: volume.Namespace, Name: volume.Name, UID: "foreign"},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	}
	inWorld(t, func(w *world) {
		w.create(newVolume())
		assert.Equal(t, []string{"ErrClaimNotValid"}, w.told())
		assert.Contains(t, w.volume().Status.Conditions[0].Message, "does not belong to this DataVolume")
		assert.Zero(t, w.attempts())
		assert.Equal(t, foreign, w.claim())

		w.deleteClaim()
		require.NotNil(t, w.claim())
		w.bind("claim-1")
		assert.Equal(t, 1, w.attempts())
	}, localClass(), foreign)
}

func TestARefusedClaimIsTold(t *testing.T) {
	claims := schema.GroupResource{Resource: "persistentvolumeclaims"}
	for reason, refusal := range map[string]error{
		"ErrExceededQuota": apierrors.NewForbidden(claims, "disk", assert.AnError),
		"ErrClaimNotValid": apierrors.NewInvalid(schema.GroupKind{Kind: "PersistentVolumeClaim"}, "disk", nil),
	} {
		t.Run(reason, func(t *testing.T) {
			if reason == "ErrExceededQuota" {
				refusal.(*apierrors.StatusError).ErrStatus.Message = "exceeded quota: small"
			}
			inWorld(t, func(w *world) {
				var refused atomic.Bool
				refused.Store(true)
				w.core.PrependReactor("create", "persistentvolumeclaims", func(clienttesting.Action) (bool, runtime.Object, error) {
					return refused.Load(), nil, refusal
				})
				w.create(newVolume())
				assert.Equal(t, reason, w.volume().Status.Condition(cdiv1.DataVolumeBound).Reason)
				assert.Contains(t, w.volume().Status.Condition(cdiv1.DataVolumeBound).Message, refusal.Error())
				writes := w.statusWrites()
				w.pass(obstacleRetry)
				assert.Equal(t, writes, w.statusWrites(), "the same is not written again")
				refused.Store(false)
				w.pass(obstacleRetry)
				assert.NotNil(t, w.claim())
			}, localClass())
		})
	}
}

func TestNothingIsMadeInANamespaceThatGoes(t *testing.T) {
	inWorld(t, func(w *world) {
		var calls atomic.Int32
		w.core.PrependReactor("create", "persistentvolumeclaims", func(clienttesting.Action) (bool, runtime.Object, error) {
			calls.Add(1)
			err := apierrors.NewForbidden(schema.GroupResource{Resource: "persistentvolumeclaims"}, "disk", assert.AnError)
			err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
			return true, nil, err
		})
		w.create(newVolume())
		w.pass(time.Hour)
		assert.LessOrEqual(t, calls.Load(), int32(3))
	}, localClass())
}

func TestAFailureIsTriedAgainWithBackoff(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume())
		w.bind("claim-1")
		w.run(0.5)
		w.told()
		for failures, delay := range []time.Duration{10, 20, 40, 80, 160, 300, 300, 300} {
			w.fail(failure.Transient("NotFound", "the server has no such file"))
			w.expectStatus(cdiv1.ImportInProgress, "N/A", "Bound=True:Bound", "Ready=False:", "Running=False:Error")
			assert.Equal(t, "NotFound: the server has no such file", w.volume().Status.Condition(cdiv1.DataVolumeRunning).Message)
			assert.EqualValues(t, failures+1, w.volume().Status.RestartCount)
			assert.Equal(t, []string{"Error", "ImportFailed"}, w.told(), "of the DataVolume, and of its claim")
			w.pass(delay*time.Second - 2*time.Second)
			assert.Equal(t, failures+1, w.attempts(), "not yet")
			w.pass(2 * time.Second)
			assert.Equal(t, failures+2, w.attempts())
			w.run(0)
			assert.Equal(t, corev1.ConditionTrue, w.volume().Status.Condition(cdiv1.DataVolumeRunning).Status)
		}
		w.succeed()
		assert.Equal(t, cdiv1.Succeeded, w.volume().Status.Phase)
		assert.EqualValues(t, 8, w.volume().Status.RestartCount)
	}, localClass())
}

func TestAPermanentFailureIsTheEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume())
		w.bind("claim-1")
		w.run(0.5)
		w.fail(failure.Permanent(failure.ChecksumError, "wrong sum"))
		w.expectStatus(cdiv1.Failed, "N/A", "Bound=True:Bound", "Ready=False:", "Running=False:ChecksumError")
		assert.Equal(t, "ChecksumError: wrong sum", w.volume().Status.Condition(cdiv1.DataVolumeReady).Message)
		assert.Zero(t, w.volume().Status.RestartCount)
		w.pass(time.Hour)
		assert.Equal(t, 1, w.attempts())
		_, ok := w.importers.State(volume)
		assert.False(t, ok)
	}, localClass())
}

func TestBackoffOutlivesTheController(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume())
		w.bind("claim-1")
		for range 4 {
			w.fail(failure.Transient("NotFound", "no such file"))
			w.pass(80 * time.Second)
		}
		w.fail(failure.Transient("NotFound", "no such file"))
		attempts := w.attempts()
		w.stop()
		w.importers.states = map[types.NamespacedName]workload.ImportState{}
		w.start()
		w.pass(150 * time.Second)
		assert.Equal(t, attempts, w.attempts(), "the fifth delay is 160 s")
		w.pass(10 * time.Second)
		assert.Equal(t, attempts+1, w.attempts())
	}, localClass())
}

func TestAnInterruptedImportBeginsAnewAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume())
		w.bind("claim-1")
		w.run(0.5)
		w.stop()
		w.importers.states = map[types.NamespacedName]workload.ImportState{}
		w.start()
		assert.Equal(t, 2, w.attempts())
		assert.Zero(t, w.volume().Status.RestartCount)
		w.succeed()
		assert.Equal(t, cdiv1.Succeeded, w.volume().Status.Phase)
	}, localClass())
}

func TestDeletionEndsTheImport(t *testing.T) {
	for name, remove := range map[string]func(w *world){
		"gone": func(w *world) {
			require.NoError(t, w.virt.CdiV1beta1().DataVolumes(volume.Namespace).Delete(t.Context(), volume.Name, metav1.DeleteOptions{}))
		},
		"going": func(w *world) {
			dv := w.volume()
			dv.DeletionTimestamp = ptr.To(metav1.Now())
			_, err := w.virt.CdiV1beta1().DataVolumes(volume.Namespace).Update(t.Context(), dv, metav1.UpdateOptions{})
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.create(newVolume())
				w.bind("claim-1")
				w.run(0.5)
				remove(w)
				w.settle()
				_, ok := w.importers.State(volume)
				assert.False(t, ok)
				w.deleteClaim()
				w.pass(time.Minute)
				assert.Nil(t, w.claim(), "the claim is not made again")
			}, localClass())
		})
	}
}

func TestADeletedClaimIsMadeAndFilledAnew(t *testing.T) {
	for name, fill := range map[string]func(w *world){
		"of a volume that is filled": func(w *world) { w.succeed() },
		"of a volume that failed":    func(w *world) { w.fail(failure.Permanent("ImageTooLarge", "m")) },
		"during the import":          func(w *world) {},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.create(newVolume())
				w.bind("claim-1")
				w.run(0.5)
				fill(w)
				w.deleteClaim()
				require.NotNil(t, w.claim())
				w.expectStatus(cdiv1.Pending, "N/A", "Bound=False:Pending", "Ready=False:", "Running=False:")
				_, ok := w.importers.State(volume)
				assert.False(t, ok)
				w.bind("claim-2")
				assert.Equal(t, 2, w.attempts())
				w.succeed()
				assert.Equal(t, cdiv1.Succeeded, w.volume().Status.Phase)
			}, localClass())
		})
	}
}

func TestAClaimThatGoesEndsTheImport(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume())
		w.bind("claim-1")
		w.run(0.5)
		claim := w.claim()
		claim.DeletionTimestamp = ptr.To(metav1.Now())
		w.updateClaim(claim)
		_, ok := w.importers.State(volume)
		assert.False(t, ok)
		assert.Equal(t, cdiv1.Pending, w.volume().Status.Phase)
	}, localClass())
}

func TestAClaimOfAnotherPhaseIsTold(t *testing.T) {
	for claimPhase, want := range map[corev1.PersistentVolumeClaimPhase][]string{
		corev1.ClaimLost: {"Failed", "Bound=False:ClaimLost", "Ready=False:", "Running=False:"},
		"Strange":        {"Unknown", "Bound=False:", "Ready=Unknown:", "Running=False:"},
	} {
		t.Run(string(claimPhase), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.create(newVolume())
				w.bind("claim-1")
				w.run(-1)
				claim := w.claim()
				claim.Status.Phase = claimPhase
				w.updateClaim(claim)
				w.expectStatus(cdiv1.DataVolumePhase(want[0]), "N/A", want[1:]...)
				_, ok := w.importers.State(volume)
				assert.False(t, ok)
			}, localClass())
		})
	}
}

func TestAClassThatWaitsForAConsumerIsTold(t *testing.T) {
	class := localClass()
	class.VolumeBindingMode = ptr.To(storagev1.VolumeBindingWaitForFirstConsumer)
	inWorld(t, func(w *world) {
		w.create(newVolume())
		claim := w.claim()
		claim.Status.Phase = corev1.ClaimPending
		w.updateClaim(claim)
		assert.Equal(t, cdiv1.WaitForFirstConsumer, w.volume().Status.Phase)
		w.bind("claim-1")
		assert.Equal(t, 1, w.attempts())
	}, class)
}
