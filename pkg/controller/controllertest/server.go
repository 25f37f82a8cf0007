// SPDX-License-Identifier: Apache-2.0

// Package controllertest has an API server in memory for tests of control loops. It is the generated fake
// clientset with what control loops rely on: UIDs and resource versions, conflicts, preconditions, a status
// that is written apart, and deletion that waits for finalizers. It knows no defaults and no validation.
package controllertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned/fake"
)

// Namespace is where Server keeps everything.
const Namespace = "ns"

// Resources that tests look at directly.
var (
	Machines  = kubevirtv1.SchemeGroupVersion.WithResource("virtualmachines")
	Instances = kubevirtv1.SchemeGroupVersion.WithResource("virtualmachineinstances")
)

// Server is a clientset whose objects behave as a server's.
type Server struct {
	*fake.Clientset
	t *testing.T

	mu      sync.Mutex
	version int
	writes  []string
}

// NewServer returns an empty server.
func NewServer(t *testing.T) *Server {
	s := &Server{Clientset: fake.NewSimpleClientset(), t: t}
	for verb, react := range map[string]clienttesting.ReactionFunc{
		"create": s.create, "update": s.update, "patch": s.patch, "delete": s.delete,
	} {
		s.PrependReactor(verb, "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			handled, obj, err := react(action)
			if err == nil {
				s.writes = append(s.writes, describe(action))
			}
			return handled, obj, err
		})
	}
	return s
}

// describe is such as "update virtualmachines/status".
func describe(action clienttesting.Action) string {
	resource := action.GetResource().Resource
	if action.GetSubresource() != "" {
		resource += "/" + action.GetSubresource()
	}
	return action.GetVerb() + " " + resource
}

// Writes returns the clients' writes since the last call, such as "update virtualmachines/status".
func (s *Server) Writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	writes := s.writes
	s.writes = nil
	return writes
}

func (s *Server) create(action clienttesting.Action) (bool, runtime.Object, error) {
	obj := action.(clienttesting.CreateAction).GetObject().DeepCopyObject()
	accessor := s.accessor(obj)
	s.version++
	if accessor.GetUID() == "" {
		accessor.SetUID(types.UID("uid-" + strconv.Itoa(s.version)))
	}
	accessor.SetResourceVersion(strconv.Itoa(s.version))
	accessor.SetCreationTimestamp(metav1.Now())
	accessor.SetGeneration(1)
	return true, obj, s.Tracker().Create(action.GetResource(), obj, action.GetNamespace())
}

func (s *Server) update(action clienttesting.Action) (bool, runtime.Object, error) {
	obj := action.(clienttesting.UpdateAction).GetObject().DeepCopyObject()
	current, err := s.current(action.GetResource(), s.accessor(obj).GetName())
	if err != nil {
		return true, nil, err
	}
	if s.accessor(obj).GetResourceVersion() != s.accessor(current).GetResourceVersion() {
		return true, nil, conflict(action.GetResource(), s.accessor(obj).GetName())
	}
	if action.GetSubresource() == "status" {
		require.NoError(s.t, replaceStatus(current, obj))
		obj = current
	} else {
		require.NoError(s.t, replaceStatus(obj, current))
	}
	return true, obj, s.store(action.GetResource(), obj)
}

// replaceStatus gives dst the status of src.
func replaceStatus(dst, src runtime.Object) error {
	switch dst := dst.(type) {
	case *kubevirtv1.VirtualMachine:
		dst.Status = src.(*kubevirtv1.VirtualMachine).Status
	case *kubevirtv1.VirtualMachineInstance:
		dst.Status = src.(*kubevirtv1.VirtualMachineInstance).Status
	default:
		return fmt.Errorf("update of a %T is not served", dst)
	}
	return nil
}

func (s *Server) patch(action clienttesting.Action) (bool, runtime.Object, error) {
	patch := action.(clienttesting.PatchActionImpl)
	require.Equal(s.t, types.MergePatchType, patch.GetPatchType())
	current, err := s.current(action.GetResource(), patch.GetName())
	if err != nil {
		return true, nil, err
	}
	before, err := json.Marshal(current)
	require.NoError(s.t, err)
	after, err := jsonpatch.MergePatch(before, patch.GetPatch())
	require.NoError(s.t, err)
	patched := current.DeepCopyObject()
	s.accessor(patched).SetFinalizers(nil)
	s.accessor(patched).SetOwnerReferences(nil)
	s.accessor(patched).SetAnnotations(nil)
	s.accessor(patched).SetLabels(nil)
	require.NoError(s.t, json.Unmarshal(after, patched))
	if s.accessor(patched).GetResourceVersion() != s.accessor(current).GetResourceVersion() ||
		s.accessor(patched).GetUID() != s.accessor(current).GetUID() {
		return true, nil, conflict(action.GetResource(), patch.GetName())
	}
	return true, patched, s.store(action.GetResource(), patched)
}

func (s *Server) delete(action clienttesting.Action) (bool, runtime.Object, error) {
	deletion := action.(clienttesting.DeleteActionImpl)
	current, err := s.current(action.GetResource(), deletion.GetName())
	if err != nil {
		return true, nil, err
	}
	if conditions := deletion.DeleteOptions.Preconditions; conditions != nil && conditions.UID != nil && *conditions.UID != s.accessor(current).GetUID() {
		return true, nil, conflict(action.GetResource(), deletion.GetName())
	}
	if s.accessor(current).GetDeletionTimestamp() == nil {
		now := metav1.Now()
		s.accessor(current).SetDeletionTimestamp(&now)
	}
	return true, current, s.store(action.GetResource(), current)
}

// store writes obj, or removes it where it is being deleted and nothing keeps it.
func (s *Server) store(resource schema.GroupVersionResource, obj runtime.Object) error {
	accessor := s.accessor(obj)
	if accessor.GetDeletionTimestamp() != nil && len(accessor.GetFinalizers()) == 0 {
		return s.Tracker().Delete(resource, accessor.GetNamespace(), accessor.GetName())
	}
	s.version++
	accessor.SetResourceVersion(strconv.Itoa(s.version))
	return s.Tracker().Update(resource, obj, accessor.GetNamespace())
}

func (s *Server) current(resource schema.GroupVersionResource, name string) (runtime.Object, error) {
	obj, err := s.Tracker().Get(resource, Namespace, name)
	if err != nil {
		return nil, err
	}
	return obj.DeepCopyObject(), nil
}

func (s *Server) accessor(obj runtime.Object) metav1.Object {
	accessor, err := meta.Accessor(obj)
	require.NoError(s.t, err)
	return accessor
}

func conflict(resource schema.GroupVersionResource, name string) error {
	return apierrors.NewConflict(resource.GroupResource(), name, errors.New("the object has been modified"))
}

// Machine returns the machine of that name, or nil.
func (s *Server) Machine(name string) *kubevirtv1.VirtualMachine {
	return get[*kubevirtv1.VirtualMachine](s, Machines, name)
}

// Instance returns the instance of that name, or nil.
func (s *Server) Instance(name string) *kubevirtv1.VirtualMachineInstance {
	return get[*kubevirtv1.VirtualMachineInstance](s, Instances, name)
}

func get[T runtime.Object](s *Server, resource schema.GroupVersionResource, name string) (obj T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	current, err := s.current(resource, name)
	if apierrors.IsNotFound(err) {
		return obj
	}
	require.NoError(s.t, err)
	return current.(T)
}

// EditMachine changes a machine as another client would; that is not among the Writes.
func (s *Server) EditMachine(name string, change func(*kubevirtv1.VirtualMachine)) {
	edit(s, Machines, name, change)
}

// EditInstance changes an instance as another client would; that is not among the Writes.
func (s *Server) EditInstance(name string, change func(*kubevirtv1.VirtualMachineInstance)) {
	edit(s, Instances, name, change)
}

func edit[T runtime.Object](s *Server, resource schema.GroupVersionResource, name string, change func(T)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	current, err := s.current(resource, name)
	require.NoError(s.t, err)
	change(current.(T))
	require.NoError(s.t, s.store(resource, current))
}

// WithoutFinalizer takes a finalizer off an instance, as its node's agent does.
func WithoutFinalizer(instance *kubevirtv1.VirtualMachineInstance) {
	instance.Finalizers = slices.DeleteFunc(instance.Finalizers, func(f string) bool {
		return f == kubevirtv1.VirtualMachineInstanceFinalizer
	})
}
