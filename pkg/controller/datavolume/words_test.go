// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// words are what clients look at in a DataVolume.
type words struct {
	phase                 cdiv1.DataVolumePhase
	bound, ready, running string
	events                []string
}

// verdicts are what clients make of the words.
type verdicts struct{ argo, kubevirt, capk string }

// The states and their words are those of CDI's pkg/controller/datavolume: conditions.go, controller-base.go
// (updateStatus, updateConditions), import-controller.go, pvc-clone-controller.go, and pkg/controller/util.go
// (setAnnotationsFromPodWithPrefix) for the reasons of the condition Running.
func TestEachStateHasTheWordsThatClientsLookFor(t *testing.T) {
	waiting := verdicts{argo: "Progressing", capk: "DVNotReady"}
	broken := verdicts{argo: "Degraded", kubevirt: "DataVolumeError", capk: "DVNotReady"}
	for name, test := range map[string]struct {
		change func(*cdiv1.DataVolume)
		reach  func(*world)
		want   words
		seen   verdicts
	}{
		"claim is pending": {nil, func(*world) {},
			words{"Pending", "False:Pending", "False:", "False:", nil}, verdicts{argo: "Progressing", capk: "DVPending"}},
		"in line": {nil, func(w *world) { w.bind("claim-1") },
			words{"ImportScheduled", "True:Bound", "False:", "False:ContainerCreating", []string{"Bound", "ImportScheduled"}}, waiting},
		"runs": {nil, func(w *world) { w.bind("claim-1"); w.run(0.5) },
			words{"ImportInProgress", "True:Bound", "False:TransferRunning", "True:Pod is running", []string{"Bound", "ImportScheduled", "ImportInProgress"}}, waiting},
		"done": {nil, func(w *world) { w.bind("claim-1"); w.succeed() },
			words{"Succeeded", "True:Bound", "True:", "False:Completed", []string{"Bound", "ImportScheduled", "ImportSucceeded"}}, verdicts{argo: "Healthy"}},
		"no web server": {nil, failing(failure.Transient(failure.ConnectionFailed, "m")),
			words{"ImportInProgress", "True:Bound", "False:", "False:Error", []string{"Error", "ImportFailed"}}, broken},
		"404": {nil, failing(failure.Transient(failure.NotFound, "m")),
			words{"ImportInProgress", "True:Bound", "False:", "False:Error", []string{"Error", "ImportFailed"}}, broken},
		"no space": {nil, failing(failure.Transient(failure.NoSpace, "m")),
			words{"ImportInProgress", "True:Bound", "False:", "False:Error", []string{"Error", "ImportFailed"}}, broken},
		"no container image": {fromRegistry, failing(failure.Transient(failure.NotFound, "m")),
			words{"ImportInProgress", "True:Bound", "False:", "False:ImagePullFailed", []string{"ImagePullFailed", "ImportFailed"}},
			verdicts{argo: "Progressing", kubevirt: "DataVolumeError", capk: "DVImagePullFailed"}},
		"no disk in the container image": {fromRegistry, failing(failure.Permanent(failure.NotAnImage, "m")),
			words{"Failed", "True:Bound", "False:", "False:Error", []string{"Error", "ImportFailed", "ImportFailed"}},
			verdicts{argo: "Degraded", kubevirt: "DataVolumeError", capk: "DVFailed"}},
		"no image": {nil, failing(failure.Permanent(failure.NotAnImage, "m")),
			words{"Failed", "True:Bound", "False:", "False:Error", []string{"Error", "ImportFailed", "ImportFailed"}},
			verdicts{argo: "Degraded", kubevirt: "DataVolumeError", capk: "DVFailed"}},
		"wrong checksum": {nil, failing(failure.Permanent(failure.ChecksumError, "m")),
			words{"Failed", "True:Bound", "False:", "False:ChecksumError", []string{"ChecksumError", "ImportFailed", "ImportFailed"}},
			verdicts{argo: "Degraded", kubevirt: "DataVolumeError", capk: "DVFailed"}},
		"claim is lost": {nil, func(w *world) {
			w.bind("claim-1")
			w.told()
			claim := w.claim()
			claim.Status.Phase = corev1.ClaimLost
			w.updateClaim(claim)
		}, words{"Failed", "False:ClaimLost", "False:", "False:", []string{"ErrClaimLost"}}, verdicts{argo: "Degraded", kubevirt: "DataVolumeError", capk: "DVFailed"}},
		"no such class": {func(dv *cdiv1.DataVolume) { dv.Spec.Storage.StorageClassName = new("gold") }, func(*world) {},
			words{"", "False:ErrClaimNotValid", "False:ErrClaimNotValid", "False:", []string{"ErrClaimNotValid"}}, waiting},
		"no quota": {func(dv *cdiv1.DataVolume) { dv.Labels = map[string]string{"quota": "none"} }, func(*world) {},
			words{"Pending", "False:ErrExceededQuota", "False:ErrExceededQuota", "False:", []string{"ErrExceededQuota"}},
			verdicts{argo: "Progressing", kubevirt: "FailedDataVolumeImport", capk: "DVPending"}},
		"nothing to copy": {copyOf("ns", "missing"), func(*world) {},
			words{"Pending", "False:CloneWithoutSource", "False:CloneWithoutSource", "False:", []string{"CloneWithoutSource"}},
			verdicts{argo: "Progressing", capk: "DVPending"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				refuseByQuota(w)
				if test.change == nil {
					test.change = func(*cdiv1.DataVolume) {}
				}
				w.create(newVolume(test.change))
				test.reach(w)
				dv := w.volume()
				assert.Equal(t, test.want, words{
					dv.Status.Phase, short(dv, cdiv1.DataVolumeBound), short(dv, cdiv1.DataVolumeReady), short(dv, cdiv1.DataVolumeRunning), w.told(),
				})
				assert.Equal(t, test.seen, verdicts{argo: argoHealth(dv), kubevirt: kubevirtError(dv), capk: capkReason(dv)})
			}, localClass())
		})
	}
}

func fromRegistry(dv *cdiv1.DataVolume) {
	dv.Spec.Source = &cdiv1.DataVolumeSource{Registry: &cdiv1.DataVolumeSourceRegistry{URL: new("docker://r.example/a:1")}}
}

func copyOf(namespace, name string) func(*cdiv1.DataVolume) {
	return func(dv *cdiv1.DataVolume) {
		dv.Spec.Source = &cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: namespace, Name: name}}
	}
}

func failing(err *failure.Error) func(*world) {
	return func(w *world) {
		w.bind("claim-1")
		w.run(0.5)
		w.told()
		w.report(func(s *workload.ImportState) { s.Phase, s.Failure = workload.ImportFailed, err })
	}
}

// refuseByQuota lets no claim be made that is labelled so.
func refuseByQuota(w *world) {
	claims := schema.GroupResource{Resource: "persistentvolumeclaims"}
	w.core.PrependReactor("create", claims.Resource, func(action clienttesting.Action) (bool, runtime.Object, error) {
		claim := action.(clienttesting.CreateAction).GetObject().(*corev1.PersistentVolumeClaim)
		return claim.Labels["quota"] == "none", nil, apierrors.NewForbidden(claims, claim.Name, errors.New("exceeded quota: small"))
	})
}

func short(dv *cdiv1.DataVolume, kind cdiv1.DataVolumeConditionType) string {
	condition := dv.Status.Condition(kind)
	if condition == nil {
		return "none"
	}
	return string(condition.Status) + ":" + condition.Reason
}

// argoHealth is the rule of argoproj/argo-cd, resource_customizations/cdi.kubevirt.io/DataVolume/health.lua.
func argoHealth(dv *cdiv1.DataVolume) string {
	health := "Progressing"
	switch dv.Status.Phase {
	case "Succeeded":
		return "Healthy"
	case "Failed", "Unknown":
		health = "Degraded"
	}
	if short(dv, "Running") == "False:Error" {
		health = "Degraded"
	}
	return health
}

// kubevirtError is the rule of kubevirt/kubevirt, pkg/storage/types/dv.go (HasDataVolumeErrors and
// HasDataVolumeExceededQuotaError), for the printable status and the event of a virtual machine.
func kubevirtError(dv *cdiv1.DataVolume) string {
	if dv.Status.Phase == "Failed" {
		return "DataVolumeError"
	}
	switch short(dv, "Running") {
	case "False:Error", "False:ImagePullFailed":
		return "DataVolumeError"
	}
	if bound := dv.Status.Condition("Bound"); bound != nil && bound.Status != "True" && bound.Reason == "ErrExceededQuota" && dv.Status.Phase == "Pending" {
		return "FailedDataVolumeImport"
	}
	return ""
}

// capkReason is the rule of kubernetes-sigs/cluster-api-provider-kubevirt, pkg/kubevirt/machine.go, for the reason
// for which a machine is not ready.
func capkReason(dv *cdiv1.DataVolume) string {
	switch dv.Status.Phase {
	case "Succeeded":
		return ""
	case "Pending":
		return "DVPending"
	case "Failed":
		return "DVFailed"
	}
	if short(dv, "Running") == "False:ImagePullFailed" {
		return "DVImagePullFailed"
	}
	return "DVNotReady"
}
