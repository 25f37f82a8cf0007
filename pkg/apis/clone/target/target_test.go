// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/target"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const sourceManifest = `
metadata:
  name: source
  namespace: ns
  uid: 11111111-0000-0000-0000-000000000000
  resourceVersion: "7"
  labels: {app: web, team/a: x, team/b: z}
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}", note: text}
  finalizers: [kubevirt.io/virtualMachineControllerFinalize]
spec:
  running: true
  dataVolumeTemplates:
  - metadata: {name: root, labels: {os: linux}}
    spec:
      preallocation: true
      source: {http: {url: "http://example.com/disk.img"}}
      storage: {storageClassName: fast, resources: {requests: {storage: 1Gi}}}
  template:
    metadata:
      labels: {app: web, tier: front}
      annotations: {note: text}
    spec:
      domain:
        firmware: {uuid: 5d307ca9-b3ef-428c-8861-06e72d69f223, serial: old}
        memory: {guest: 64Mi}
        devices:
          interfaces:
          - {name: default, macAddress: "02:00:00:00:00:01", masquerade: {}}
          - {name: lab, macAddress: "02:00:00:00:00:02", bridge: {}}
      networks:
      - {name: default, pod: {}}
      - {name: lab, multus: {networkName: lab}}
      volumes:
      - {name: root, dataVolume: {name: root}}
      - {name: data, persistentVolumeClaim: {claimName: shared-data}}
      - {name: base, ephemeral: {persistentVolumeClaim: {claimName: golden}}}
      - {name: seed, cloudInitNoCloud: {userData: "#cloud-config"}}
`

func source(t *testing.T) *kubevirtv1.VirtualMachine {
	t.Helper()
	vm := &kubevirtv1.VirtualMachine{}
	require.NoError(t, yaml.UnmarshalStrict([]byte(sourceManifest), vm))
	return vm
}

func cloneOf(spec clonev1.VirtualMachineCloneSpec) *clonev1.VirtualMachineClone {
	spec.Source = &corev1.TypedLocalObjectReference{APIGroup: ptr.To("kubevirt.io"), Kind: "VirtualMachine", Name: "source"}
	return &clonev1.VirtualMachineClone{
		ObjectMeta: metav1.ObjectMeta{Name: "clone", Namespace: "ns", UID: "abcdef00-0000-0000-0000-000000000000"},
		Spec:       spec,
	}
}

func named(name string) *corev1.TypedLocalObjectReference {
	return &corev1.TypedLocalObjectReference{APIGroup: ptr.To("kubevirt.io"), Kind: "VirtualMachine", Name: name}
}

func build(t *testing.T, spec clonev1.VirtualMachineCloneSpec) *kubevirtv1.VirtualMachine {
	t.Helper()
	vm, cause := target.Build(t.Context(), cloneOf(spec), source(t), nil)
	require.Nil(t, cause)
	return vm
}

func TestACloneIsAMachineOfItsOwn(t *testing.T) {
	before := source(t)
	vm, cause := target.Build(t.Context(), cloneOf(clonev1.VirtualMachineCloneSpec{Target: named("copy")}), before, nil)
	require.Nil(t, cause)
	assert.Equal(t, source(t), before, "the source is left alone")

	assert.Equal(t, metav1.ObjectMeta{
		Name: "copy", Namespace: "ns",
		Labels:      map[string]string{"app": "web", "team/a": "x", "team/b": "z"},
		Annotations: map[string]string{"note": "text", target.CloneAnnotation: "abcdef00-0000-0000-0000-000000000000"},
	}, vm.ObjectMeta)
	assert.Nil(t, vm.Spec.Running)
	assert.Equal(t, kubevirtv1.RunStrategyHalted, *vm.Spec.RunStrategy)
	domain := vm.Spec.Template.Spec.Domain
	assert.Empty(t, ptr.Deref(domain.Firmware.UUID, ""))
	assert.Empty(t, ptr.Deref(domain.Firmware.Serial, ""))
	for _, nic := range domain.Devices.Interfaces {
		assert.Empty(t, ptr.Deref(nic.MacAddress, ""), nic.Name)
	}
}

func TestACloneWithoutANameIsCalledTheSameEachTime(t *testing.T) {
	assert.Equal(t, "clone-source-abcde", build(t, clonev1.VirtualMachineCloneSpec{}).Name)
	assert.Equal(t, "clone-source-abcde", build(t, clonev1.VirtualMachineCloneSpec{Target: named("")}).Name)
}

func TestEachDiskThatTheGuestWritesIsCopied(t *testing.T) {
	claims := func(name string) *corev1.PersistentVolumeClaim {
		claim := &corev1.PersistentVolumeClaim{}
		if name == "shared-data" {
			claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
			claim.Spec.StorageClassName = ptr.To("slow")
		}
		return claim
	}
	vm, cause := target.Build(t.Context(), cloneOf(clonev1.VirtualMachineCloneSpec{Target: named("copy")}), source(t), claims)
	require.Nil(t, cause)
	written, err := yaml.Marshal(vm.Spec.DataVolumeTemplates)
	require.NoError(t, err)
	assert.YAMLEq(t, `
- metadata: {name: copy-root, labels: {os: linux}}
  spec:
    preallocation: true
    source: {pvc: {namespace: ns, name: root}}
    storage: {storageClassName: fast}
- metadata: {name: copy-data}
  spec:
    source: {pvc: {namespace: ns, name: shared-data}}
    storage: {storageClassName: slow, accessModes: [ReadWriteMany]}
`, string(written))
	volumes := vm.Spec.Template.Spec.Volumes
	assert.Equal(t, "copy-root", volumes[0].DataVolume.Name)
	assert.Equal(t, "copy-data", volumes[1].PersistentVolumeClaim.ClaimName)
	assert.Equal(t, "golden", volumes[2].Ephemeral.PersistentVolumeClaim.ClaimName, "what the guest does not write is not copied")
	assert.NotNil(t, volumes[3].CloudInitNoCloud)
}

func TestTheNameOfACopyIsNeverTooLong(t *testing.T) {
	long := strings.Repeat("m", 250)
	vm := build(t, clonev1.VirtualMachineCloneSpec{Target: named(long)})
	names := map[string]bool{}
	for _, template := range vm.Spec.DataVolumeTemplates {
		assert.LessOrEqual(t, len(template.ObjectMeta.Name), 253)
		names[template.ObjectMeta.Name] = true
	}
	assert.Len(t, names, 2, "and tells one volume from another")
}

func TestFiltersChooseLabelsAndAnnotations(t *testing.T) {
	for name, test := range map[string]struct {
		filters []string
		want    map[string]string
	}{
		"none":                 {nil, map[string]string{"app": "web", "team/a": "x", "team/b": "z"}},
		"all":                  {[]string{"*"}, map[string]string{"app": "web", "team/a": "x", "team/b": "z"}},
		"some":                 {[]string{"team/*"}, map[string]string{"team/a": "x", "team/b": "z"}},
		"all but some":         {[]string{"*", "!team/*"}, map[string]string{"app": "web"}},
		"what is not wins":     {[]string{"!team/a", "team/*"}, map[string]string{"team/b": "z"}},
		"only what is not":     {[]string{"!app"}, nil},
		"what matches nothing": {[]string{"other"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, build(t, clonev1.VirtualMachineCloneSpec{LabelFilters: test.filters}).Labels)
		})
	}
	template := build(t, clonev1.VirtualMachineCloneSpec{Template: &clonev1.VirtualMachineCloneTemplateFilters{
		LabelFilters: []string{"tier"}, AnnotationFilters: []string{"!note"},
	}}).Spec.Template.ObjectMeta
	assert.Equal(t, map[string]string{"tier": "front"}, template.Labels)
	assert.Empty(t, template.Annotations)
}

func TestIdentitiesCanBeGiven(t *testing.T) {
	vm := build(t, clonev1.VirtualMachineCloneSpec{
		NewMacAddresses: map[string]string{"lab": "02-00-00-00-00-09"}, NewSMBiosSerial: ptr.To("new"),
	})
	domain := vm.Spec.Template.Spec.Domain
	assert.Empty(t, ptr.Deref(domain.Devices.Interfaces[0].MacAddress, ""))
	assert.Equal(t, "02:00:00:00:00:09", ptr.Deref(domain.Devices.Interfaces[1].MacAddress, ""))
	assert.Equal(t, "new", ptr.Deref(domain.Firmware.Serial, ""))
}

func TestPatchesComeLast(t *testing.T) {
	vm := build(t, clonev1.VirtualMachineCloneSpec{Target: named("copy"), Patches: []string{
		`{"op": "add", "path": "/metadata/labels/patched", "value": "yes"}`,
		`{"op": "replace", "path": "/spec/runStrategy", "value": "Always"}`,
		`{"op": "replace", "path": "/metadata/name", "value": "another"}`,
	}})
	assert.Equal(t, "yes", vm.Labels["patched"])
	assert.Equal(t, kubevirtv1.RunStrategyAlways, *vm.Spec.RunStrategy)
	assert.Equal(t, "copy", vm.Name, "the name is the clone's")
}

func TestAFingerprintIsTheSameWhetherTheMachineRuns(t *testing.T) {
	fingerprint := func(change func(*kubevirtv1.VirtualMachine)) string {
		vm := source(t)
		change(vm)
		sum, err := target.Fingerprint(vm)
		require.NoError(t, err)
		return sum
	}
	before := fingerprint(func(*kubevirtv1.VirtualMachine) {})
	assert.Equal(t, before, fingerprint(func(vm *kubevirtv1.VirtualMachine) {
		vm.Spec.Running, vm.Spec.RunStrategy = nil, ptr.To(kubevirtv1.RunStrategyHalted)
		vm.Labels, vm.Status.Created = nil, true
	}))
	assert.NotEqual(t, before, fingerprint(func(vm *kubevirtv1.VirtualMachine) { vm.Spec.Template.Spec.Volumes = nil }))
}

func TestWhatCannotBeClonedIsToldByItsField(t *testing.T) {
	spec := func(change func(*clonev1.VirtualMachineCloneSpec)) clonev1.VirtualMachineCloneSpec {
		var s clonev1.VirtualMachineCloneSpec
		change(&s)
		return s
	}
	for name, test := range map[string]struct {
		spec   clonev1.VirtualMachineCloneSpec
		change func(*kubevirtv1.VirtualMachine)
		field  string
		words  string
	}{
		"a persistent TPM": {change: func(vm *kubevirtv1.VirtualMachine) {
			vm.Spec.Template.Spec.Domain.Devices.TPM = &kubevirtv1.TPMDevice{Persistent: ptr.To(true)}
		}, field: "spec.source.name", words: "persistent TPM"},
		"persistent EFI variables": {change: func(vm *kubevirtv1.VirtualMachine) {
			vm.Spec.Template.Spec.Domain.Firmware.Bootloader = &kubevirtv1.Bootloader{EFI: &kubevirtv1.EFI{Persistent: ptr.To(true)}}
		}, field: "spec.source.name", words: "persistent EFI"},
		"an address for no interface": {spec: spec(func(s *clonev1.VirtualMachineCloneSpec) {
			s.NewMacAddresses = map[string]string{"other": "02:00:00:00:00:09"}
		}), field: "spec.newMacAddresses[other]", words: "no interface of that name"},
		"a patch of what is not there": {spec: spec(func(s *clonev1.VirtualMachineCloneSpec) {
			s.Patches = []string{`{"op": "remove", "path": "/metadata/labels/none"}`}
		}), field: "spec.patches", words: "cannot be done"},
		"a patch that adds what no machine has": {spec: spec(func(s *clonev1.VirtualMachineCloneSpec) {
			s.Patches = []string{`{"op": "add", "path": "/spec/none", "value": 1}`}
		}), field: "spec.patches", words: "unknown field"},
		"patches that copy without end": {spec: spec(func(s *clonev1.VirtualMachineCloneSpec) {
			for i := range 20 {
				s.Patches = append(s.Patches, fmt.Sprintf(`{"op": "copy", "from": "/metadata/annotations", "path": "/metadata/annotations/x%d"}`, i))
			}
		}), field: "spec.patches", words: "copy more than"},
		"filters that would take long": {change: func(vm *kubevirtv1.VirtualMachine) {
			for i := range 2000 {
				vm.Spec.Template.ObjectMeta.Labels[fmt.Sprintf("example.com/key-%d", i)] = ""
			}
		}, spec: spec(func(s *clonev1.VirtualMachineCloneSpec) {
			s.Template = &clonev1.VirtualMachineCloneTemplateFilters{LabelFilters: []string{"*", "!.{900}"}}
		}), field: "spec.template.labelFilters", words: "too many for these filters"},
		"a patch that takes the template": {spec: spec(func(s *clonev1.VirtualMachineCloneSpec) {
			s.Patches = []string{`{"op": "remove", "path": "/spec/template"}`}
		}), field: "spec.patches", words: "no template"},
	} {
		t.Run(name, func(t *testing.T) {
			vm := source(t)
			if test.change != nil {
				test.change(vm)
			}
			_, cause := target.Build(t.Context(), cloneOf(test.spec), vm, nil)
			require.NotNil(t, cause)
			assert.Equal(t, test.field, cause.Field)
			assert.Contains(t, cause.Error(), test.words)
		})
	}
}
