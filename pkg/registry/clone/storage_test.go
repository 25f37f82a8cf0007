// SPDX-License-Identifier: Apache-2.0

package clone_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/target"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/cdi/datavolume"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/clone"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/instancetype"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/infer"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/virtualmachine"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/virtualmachineinstance"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/registrytest"
)

const sourceManifest = `
metadata: {name: source, namespace: default}
spec:
  runStrategy: Halted
  template:
    spec:
      domain:
        memory: {guest: 64Mi}
        devices:
          interfaces: [{name: default, masquerade: {}}]
      networks: [{name: default, pod: {}}]
      volumes:
      - {name: root, persistentVolumeClaim: {claimName: disk}}
      - {name: seed, cloudInitNoCloud: {secretRef: {name: root-password}}}
`

// newClones returns the storage of clones beside one machine, named source, which anybody else made.
func newClones(t *testing.T, refuse func(authorizer.Attributes) bool) *clone.Storage {
	t.Helper()
	getter, scheme := etcd.Storage(t)
	references := reference.NewAuthorizer(registrytest.Allow(func(a authorizer.Attributes) bool {
		return a.GetUser().GetName() == "eve" && refuse != nil && refuse(a)
	}))
	instances, err := virtualmachineinstance.NewStorage(getter, scheme, references, nil, nil)
	require.NoError(t, err)
	types, err := instancetype.NewStorage(getter, scheme)
	require.NoError(t, err)
	volumes, err := datavolume.NewStorage(getter, scheme, references)
	require.NoError(t, err)
	machines, err := virtualmachine.NewStorage(getter, scheme, references, types,
		infer.New(volumes.DataVolume, fake.NewClientset().CoreV1(), references), instances.Instance)
	require.NoError(t, err)
	clones, err := clone.NewStorage(getter, scheme, references, machines)
	require.NoError(t, err)
	t.Cleanup(func() {
		clones.Clone.Destroy()
		machines.Machine.Destroy()
		instances.Instance.Destroy()
		volumes.DataVolume.Destroy()
		for _, r := range types.Resources() {
			r.Destroy()
		}
	})
	vm := &kubevirtv1.VirtualMachine{}
	require.NoError(t, yaml.UnmarshalStrict([]byte(sourceManifest), vm))
	_, err = machines.Machine.Create(registrytest.As(t, "alice"), vm, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	require.NoError(t, err)
	return clones
}

func newClone(source, target string) *clonev1.VirtualMachineClone {
	machine := func(name string) *corev1.TypedLocalObjectReference {
		return &corev1.TypedLocalObjectReference{APIGroup: ptr.To("kubevirt.io"), Kind: "VirtualMachine", Name: name}
	}
	return &clonev1.VirtualMachineClone{
		ObjectMeta: metav1.ObjectMeta{Name: "clone", Namespace: registrytest.Namespace},
		Spec:       clonev1.VirtualMachineCloneSpec{Source: machine(source), Target: machine(target)},
	}
}

func create(ctx context.Context, clones *clone.Storage, c *clonev1.VirtualMachineClone) (*clonev1.VirtualMachineClone, error) {
	obj, err := clones.Clone.Create(ctx, c, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	return obj.(*clonev1.VirtualMachineClone), nil
}

func TestTheSpecOfACloneIsStoredAsItWasWritten(t *testing.T) {
	clones := newClones(t, nil)
	written := newClone("source", "")
	written.Status.Phase = clonev1.Succeeded
	stored, err := create(registrytest.As(t, "eve"), clones, written)
	require.NoError(t, err)
	assert.Equal(t, newClone("source", "").Spec, stored.Spec, "no name is made up in it")
	assert.Empty(t, stored.Status.Phase)

	table, err := clones.Clone.ConvertToTable(t.Context(), stored, nil)
	require.NoError(t, err)
	assert.Equal(t, []any{"clone", "", "source", stored.TargetName()}, table.Rows[0].Cells[:4])
}

func TestACloneNeedsEachRightThatItsWorkNeeds(t *testing.T) {
	for name, test := range map[string]struct {
		refuse func(authorizer.Attributes) bool
		words  string
	}{
		"to read the source": {func(a authorizer.Attributes) bool {
			return a.GetResource() == "virtualmachines" && a.GetVerb() == "get"
		},
			`spec.source: user "eve" cannot get virtualmachines.kubevirt.io "source"`},
		"to make the target": {func(a authorizer.Attributes) bool {
			return a.GetResource() == "virtualmachines" && a.GetVerb() == "create"
		},
			`spec.target: user "eve" cannot create virtualmachines.kubevirt.io "copy"`},
		"to read a Secret of the source": {func(a authorizer.Attributes) bool { return a.GetResource() == "secrets" },
			`cannot get secrets "root-password"`},
		"to read a disk of the source": {func(a authorizer.Attributes) bool {
			return a.GetResource() == "persistentvolumeclaims" && a.GetName() == "disk"
		},
			`cannot get persistentvolumeclaims "disk"`},
		"to make disks": {func(a authorizer.Attributes) bool { return a.GetResource() == "datavolumes" && a.GetVerb() == "create" },
			`cannot create datavolumes.cdi.kubevirt.io "copy-root"`},
	} {
		t.Run(name, func(t *testing.T) {
			clones := newClones(t, test.refuse)
			_, err := create(registrytest.As(t, "eve"), clones, newClone("source", "copy"))
			require.True(t, apierrors.IsForbidden(err), "%v", err)
			assert.ErrorContains(t, err, test.words)

			applied := rest.DefaultUpdatedObjectInfo(newClone("source", "copy"))
			_, _, err = clones.Clone.Update(registrytest.As(t, "eve"), "clone", applied, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, true, &metav1.UpdateOptions{})
			require.True(t, apierrors.IsForbidden(err), "applying it is no way around: %v", err)

			_, err = create(registrytest.As(t, "alice"), clones, newClone("source", "copy"))
			require.NoError(t, err)
		})
	}
}

func TestAReaderOfNoMachinesDoesNotLearnWhichThereAre(t *testing.T) {
	clones := newClones(t, func(a authorizer.Attributes) bool { return a.GetVerb() == "get" })
	_, there := create(registrytest.As(t, "eve"), clones, newClone("source", "copy"))
	_, missing := create(registrytest.As(t, "eve"), clones, newClone("missing", "copy"))
	assert.True(t, apierrors.IsForbidden(there), "%v", there)
	assert.True(t, apierrors.IsForbidden(missing), "%v", missing)
}

func TestWhatCannotBecomeAMachineIsRefusedAtOnce(t *testing.T) {
	clones := newClones(t, nil)
	for name, test := range map[string]struct {
		change func(*clonev1.VirtualMachineCloneSpec)
		field  string
	}{
		"no source":         {func(s *clonev1.VirtualMachineCloneSpec) { s.Source.Name = "missing" }, "spec.source.name"},
		"the source itself": {func(s *clonev1.VirtualMachineCloneSpec) { s.Target.Name = "source" }, "spec.target.name"},
		"an address for no interface": {func(s *clonev1.VirtualMachineCloneSpec) {
			s.NewMacAddresses = map[string]string{"other": "02:00:00:00:00:01"}
		}, "spec.newMacAddresses[other]"},
		"a patch that makes no valid machine": {func(s *clonev1.VirtualMachineCloneSpec) {
			s.Patches = []string{`{"op": "replace", "path": "/spec/runStrategy", "value": "Sometimes"}`}
		}, "spec.runStrategy"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClone("source", "copy")
			test.change(&c.Spec)
			_, err := create(registrytest.As(t, "alice"), clones, c)
			require.True(t, apierrors.IsInvalid(err), "%v", err)
			var status apierrors.APIStatus
			require.ErrorAs(t, err, &status)
			assert.Equal(t, test.field, status.Status().Details.Causes[0].Field)
		})
	}
}

func TestNobodyChangesWhatTheSourceWasLike(t *testing.T) {
	clones := newClones(t, nil)
	written := newClone("source", "copy")
	written.Annotations = map[string]string{target.SourceAnnotation: "forged"}
	stored, err := create(registrytest.As(t, "eve"), clones, written)
	require.NoError(t, err)
	noted := stored.Annotations[target.SourceAnnotation]
	assert.Len(t, noted, 32)
	changed := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		next := old.DeepCopyObject().(*clonev1.VirtualMachineClone)
		next.Annotations = map[string]string{target.SourceAnnotation: "forged", "note": "any"}
		return next, nil
	})
	obj, _, err := clones.Clone.Update(registrytest.As(t, "eve"), "clone", changed, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{target.SourceAnnotation: noted, "note": "any"}, obj.(*clonev1.VirtualMachineClone).Annotations)
}

func TestACloneIsMadeOnce(t *testing.T) {
	clones := newClones(t, nil)
	_, err := create(registrytest.As(t, "alice"), clones, newClone("source", "copy"))
	require.NoError(t, err)
	changed := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		next := old.DeepCopyObject().(*clonev1.VirtualMachineClone)
		next.Spec.Target.Name = "another"
		return next, nil
	})
	_, _, err = clones.Clone.Update(registrytest.As(t, "alice"), "clone", changed, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	assert.ErrorContains(t, err, "create another VirtualMachineClone")
}
