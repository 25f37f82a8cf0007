// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned/fake"
)

var instancesResource = kubevirtv1.SchemeGroupVersion.WithResource("virtualmachineinstances")

// fakeServer is the generated fake with what the agent relies on: resource versions, and deletion once the
// last finalizer is gone.
type fakeServer struct {
	*fake.Clientset
	t *testing.T

	mu      sync.Mutex
	version int
	writes  int
}

func newFakeServer(t *testing.T) *fakeServer {
	s := &fakeServer{Clientset: fake.NewSimpleClientset(), t: t}
	s.PrependReactor("update", instancesResource.Resource, s.update)
	return s
}

func (s *fakeServer) update(action clienttesting.Action) (bool, runtime.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	vmi := action.(clienttesting.UpdateAction).GetObject().(*kubevirtv1.VirtualMachineInstance).DeepCopy()
	current, err := s.current(vmi.Namespace, vmi.Name)
	if err != nil {
		return true, nil, err
	}
	if vmi.ResourceVersion != current.ResourceVersion {
		return true, nil, apierrors.NewConflict(instancesResource.GroupResource(), vmi.Name, errors.New("the object has been modified"))
	}
	status := vmi.Status
	if action.GetSubresource() == "status" {
		vmi = current
		vmi.Status = status
	} else {
		vmi.Status = current.Status
	}
	s.writes++
	if vmi.DeletionTimestamp != nil && len(vmi.Finalizers) == 0 {
		return true, vmi, s.Tracker().Delete(instancesResource, vmi.Namespace, vmi.Name)
	}
	return true, vmi, s.store(vmi)
}

func (s *fakeServer) store(vmi *kubevirtv1.VirtualMachineInstance) error {
	s.version++
	vmi.ResourceVersion = strconv.Itoa(s.version)
	return s.Tracker().Update(instancesResource, vmi, vmi.Namespace)
}

func (s *fakeServer) current(namespace, name string) (*kubevirtv1.VirtualMachineInstance, error) {
	object, err := s.Tracker().Get(instancesResource, namespace, name)
	if err != nil {
		return nil, err
	}
	return object.(*kubevirtv1.VirtualMachineInstance).DeepCopy(), nil
}

// get returns the instance, or nil.
func (s *fakeServer) get(name string) *kubevirtv1.VirtualMachineInstance {
	s.mu.Lock()
	defer s.mu.Unlock()
	vmi, err := s.current("n", name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(s.t, err)
	return vmi
}

func (s *fakeServer) create(vmi *kubevirtv1.VirtualMachineInstance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	vmi.ResourceVersion = strconv.Itoa(s.version)
	require.NoError(s.t, s.Tracker().Create(instancesResource, vmi, vmi.Namespace))
}

// edit changes the instance as another client would.
func (s *fakeServer) edit(name string, change func(*kubevirtv1.VirtualMachineInstance)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	vmi, err := s.current("n", name)
	require.NoError(s.t, err)
	change(vmi)
	require.NoError(s.t, s.store(vmi))
}

// delete marks the instance; its finalizers keep it.
func (s *fakeServer) delete(name string) {
	s.edit(name, func(vmi *kubevirtv1.VirtualMachineInstance) {
		now := metav1.Now()
		vmi.DeletionTimestamp = &now
	})
}

// vanish removes the instance whatever keeps it.
func (s *fakeServer) vanish(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NoError(s.t, s.Tracker().Delete(instancesResource, "n", name))
}

func (s *fakeServer) writeCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}
