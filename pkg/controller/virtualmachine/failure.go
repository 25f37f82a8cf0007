// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Reasons of the Failure condition and of the events that tell of it, as upstream names them.
const (
	reasonFailedCreate           = "FailedCreate"
	reasonFailedDelete           = "FailedDelete"
	reasonFailedDataVolumeCreate = "FailedDataVolumeCreate"
)

// retryTold is when to try again what the user was told that it could not be done, should nothing change before.
const retryTold = 10 * time.Second

// failure is an action that could not be done.
type failure struct {
	reason string
	err    error
}

// errOccupied is why a machine whose name is taken cannot start.
var errOccupied = errors.New("an instance of that name exists that is not of this machine: delete it, or rename the machine")

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

func (f *failure) condition() kubevirtv1.VirtualMachineCondition {
	return kubevirtv1.VirtualMachineCondition{
		Type:    kubevirtv1.VirtualMachineFailure,
		Status:  corev1.ConditionTrue,
		Reason:  f.reason,
		Message: f.message(),
	}
}

// message is in upstream's words.
func (f *failure) message() string { return "Error " + f.err.Error() }

// told returns the failure in err that the user has to know of, or nil. What the next try will probably
// mend is none: a lost race, a server that is busy or not there.
func told(err error) *failure {
	var f *failure
	if !errors.As(err, &f) {
		return nil
	}
	if errors.Is(err, errOccupied) || errors.Is(err, errForeign) {
		return f
	}
	switch apierrors.ReasonForError(f.err) {
	case metav1.StatusReasonUnknown, metav1.StatusReasonConflict, metav1.StatusReasonTimeout, metav1.StatusReasonServerTimeout,
		metav1.StatusReasonTooManyRequests, metav1.StatusReasonServiceUnavailable:
		return nil
	default:
		return f
	}
}

// sameFailure says whether both statuses tell of the same failure, or of none.
func sameFailure(before, after *kubevirtv1.VirtualMachineStatus) bool {
	b, a := before.Condition(kubevirtv1.VirtualMachineFailure), after.Condition(kubevirtv1.VirtualMachineFailure)
	if b == nil || a == nil {
		return b == a
	}
	return b.Reason == a.Reason && b.Message == a.Message
}
