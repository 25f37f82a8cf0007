// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/action"
)

// GuestOSInfo returns the storage of the guestosinfo subresource, for a parent of the given kind.
func (s *Storage) GuestOSInfo(kind runtime.Object) rest.Storage {
	return action.NewGet(kind, s.control.guestOSInfo)
}

// UserList returns the storage of the userlist subresource, for a parent of the given kind.
func (s *Storage) UserList(kind runtime.Object) rest.Storage {
	return action.NewGet(kind, s.control.userList)
}

// FileSystemList returns the storage of the filesystemlist subresource, for a parent of the given kind.
func (s *Storage) FileSystemList(kind runtime.Object) rest.Storage {
	return action.NewGet(kind, s.control.fileSystemList)
}

// Freeze returns the storage of the freeze subresource, for a parent of the given kind.
func (s *Storage) Freeze(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusOK, s.control.freeze)
}

// Unfreeze returns the storage of the unfreeze subresource, for a parent of the given kind.
func (s *Storage) Unfreeze(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusOK, s.control.unfreeze)
}

// talkative returns the instance if its guest's agent can be asked.
func (c *control) talkative(ctx context.Context, name string) (*kubevirtv1.VirtualMachineInstance, error) {
	vmi, err := get(ctx, c.instances, name)
	switch {
	case err != nil:
		return nil, err
	case vmi.Status.Phase != kubevirtv1.Running:
		return nil, conflict(name, "VMI is not running")
	case !hasAgent(vmi):
		return nil, conflict(name, "VMI does not have guest agent connected")
	}
	return vmi, nil
}

func (c *control) guestOSInfo(ctx context.Context, name string) (any, error) {
	vmi, err := c.talkative(ctx, name)
	if err != nil {
		return nil, err
	}
	var info kubevirtv1.VirtualMachineInstanceGuestAgentInfo
	if err := c.calls.Call(ctx, vmi, api.ActionGuestInfo, nil, &info); err != nil {
		return nil, err
	}
	return info, nil
}

func (c *control) userList(ctx context.Context, name string) (any, error) {
	vmi, err := c.talkative(ctx, name)
	if err != nil {
		return nil, err
	}
	var list kubevirtv1.VirtualMachineInstanceGuestOSUserList
	if err := c.calls.Call(ctx, vmi, api.ActionUsers, nil, &list.Items); err != nil {
		return nil, err
	}
	return list, nil
}

func (c *control) fileSystemList(ctx context.Context, name string) (any, error) {
	vmi, err := c.talkative(ctx, name)
	if err != nil {
		return nil, err
	}
	var list kubevirtv1.VirtualMachineInstanceFileSystemList
	if err := c.calls.Call(ctx, vmi, api.ActionFileSystems, nil, &list.Items); err != nil {
		return nil, err
	}
	return list, nil
}

func (c *control) freeze(ctx context.Context, name string, options *kubevirtv1.FreezeUnfreezeTimeout) error {
	timeout := options.UnfreezeTimeout
	switch {
	case timeout == nil:
		return apierrors.NewBadRequest("unfreezeTimeout is needed, such as 5m")
	case timeout.Duration < 0, timeout.Duration > api.MaxFreezeSeconds*time.Second:
		return apierrors.NewBadRequest(fmt.Sprintf("unfreezeTimeout must be between 0s and %s, not %s", api.MaxFreezeSeconds*time.Second, timeout.Duration))
	}
	vmi, err := get(ctx, c.instances, name)
	switch {
	case err != nil:
		return err
	case vmi.Status.Phase != kubevirtv1.Running:
		return conflict(name, "VM is not running")
	}
	// What is less than a second must not become no timeout.
	seconds := int64((timeout.Duration + time.Second - 1) / time.Second)
	return c.calls.Call(ctx, vmi, api.ActionFreeze, api.FreezeRequest{TimeoutSeconds: seconds}, nil)
}

func (c *control) unfreeze(ctx context.Context, name string, _ *struct{}) error {
	vmi, err := get(ctx, c.instances, name)
	switch {
	case err != nil:
		return err
	case vmi.Status.Phase != kubevirtv1.Running:
		return conflict(name, "VMI is not running")
	}
	return c.calls.Call(ctx, vmi, api.ActionUnfreeze, nil, nil)
}
