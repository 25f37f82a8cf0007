// SPDX-License-Identifier: Apache-2.0

package link

import (
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// LauncherRefusal makes an API error of what a launcher answered about the instance of that name: its refusal, or
// that it does not answer.
func LauncherRefusal(name string, err error) error {
	var refused *api.Error
	if !errors.As(err, &refused) {
		return apierrors.NewServiceUnavailable(fmt.Sprintf("the launcher does not answer; it is restarted if need be: %v", err))
	}
	resource := kubevirtv1.Resource("virtualmachineinstance")
	switch refused.Reason {
	case api.ErrorNotFound:
		return apierrors.NewNotFound(resource, name)
	case api.ErrorNotRunning, api.ErrorConflict:
		return apierrors.NewConflict(resource, name, refused)
	case api.ErrorInvalid:
		return apierrors.NewBadRequest(refused.Message)
	case api.ErrorLibvirtUnavailable, api.ErrorLimit:
		return apierrors.NewServiceUnavailable(refused.Message)
	default:
		return &apierrors.StatusError{ErrStatus: metav1.Status{
			Status:  metav1.StatusFailure,
			Code:    http.StatusInternalServerError,
			Reason:  metav1.StatusReasonInternalError,
			Message: refused.Message,
		}}
	}
}
