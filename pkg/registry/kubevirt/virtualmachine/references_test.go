// SPDX-License-Identifier: Apache-2.0

package virtualmachine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/registrytest"
)

// uses are machines' specs that refer to one object, by its resource and by what they do with it. INDENT puts one of
// their volumes behind another.
var uses = map[string]map[string]string{
	"secrets": {
		"keys of a user":          "{template: {spec: {accessCredentials: [{sshPublicKey: {source: {secret: {secretName: x}}, propagationMethod: {qemuGuestAgent: {users: [u]}}}}]}}}",
		"passwords":               "{template: {spec: {accessCredentials: [{userPassword: {source: {secret: {secretName: x}}, propagationMethod: {qemuGuestAgent: {}}}}]}}}",
		"user data":               volume("cloudInitNoCloud: {secretRef: {name: x}}"),
		"network data":            volume("cloudInitNoCloud: {networkDataSecretRef: {name: x}}"),
		"user data of a drive":    volume("cloudInitConfigDrive: {secretRef: {name: x}}"),
		"network data of a drive": volume("cloudInitConfigDrive: {networkDataSecretRef: {name: x}}"),
		"a disk":                  volume("secret: {secretName: x}"),
		"answers to a setup":      volume("sysprep: {secret: {name: x}}"),
		"a pull":                  volume("containerDisk: {image: 'a.example/i:1', imagePullSecret: x}"),
		"a pull from elsewhere":   volume("containerDisk: {image: 'b.example/i:1', imagePullSecret: x}"),
		"a pull of another":       volume("containerDisk: {image: 'a.example/j:1', imagePullSecret: x}"),
		"a kernel":                "{template: {spec: {domain: {firmware: {kernelBoot: {container: {image: 'a.example/i:1', kernelPath: /k, imagePullSecret: x}}}}}}}",
		"a kernel from elsewhere": "{template: {spec: {domain: {firmware: {kernelBoot: {container: {image: 'b.example/i:1', kernelPath: /k, imagePullSecret: x}}}}}}}",
		"a server":                filled("http: {url: 'http://a.example/i', secretRef: x}"),
		"another server":          filled("http: {url: 'http://b.example/i', secretRef: x}"),
		"a server that is any":    filled("http: {url: 'http://a.example/i', secretRef: x, insecureSkipVerify: true}"),
		"a server of another CA":  filled("http: {url: 'http://a.example/i', secretRef: x, certConfigMap: y}"),
		"headers":                 filled("http: {url: 'http://a.example/i', secretExtraHeaders: [x]}"),
		"headers elsewhere":       filled("http: {url: 'http://b.example/i', secretExtraHeaders: [x]}"),
		"a registry":              filled("registry: {url: 'docker://a.example/i:1', secretRef: x}"),
		"another registry":        filled("registry: {url: 'docker://b.example/i:1', secretRef: x}"),
	},
	"configmaps": {
		"a disk":             volume("configMap: {name: x}"),
		"answers to a setup": volume("sysprep: {configMap: {name: x}}"),
		"a server":           filled("http: {url: 'https://a.example/i', certConfigMap: x}"),
		"another server":     filled("http: {url: 'https://b.example/i', certConfigMap: x}"),
		"a registry":         filled("registry: {url: 'docker://a.example/i:1', certConfigMap: x}"),
		"another registry":   filled("registry: {url: 'docker://b.example/i:1', certConfigMap: x}"),
	},
	"persistentvolumeclaims": {
		"a disk":                 volume("persistentVolumeClaim: {claimName: x}"),
		"a disk of a DataVolume": volume("dataVolume: {name: x}"),
		"a base":                 volume("ephemeral: {persistentVolumeClaim: {claimName: x}}"),
		"a copy":                 filled("pvc: {namespace: default, name: x}"),
	},
	"datavolumes": {
		"empty":         filled("blank: {}"),
		"from a server": filled("http: {url: 'https://a.example/i'}"),
	},
}

func volume(source string) string {
	return "{template: {spec: {volumes: [INDENT{name: v, " + source + "}]}}}"
}

func filled(source string) string {
	return "{dataVolumeTemplates: [{metadata: {name: d}, spec: {source: {" + source + "}, storage: {resources: {requests: {storage: 1Gi}}}}}], " +
		"template: {spec: {volumes: [INDENT{name: v, dataVolume: {name: d}}]}}}"
}

// using returns a machine of such a spec, whose volume has one before it.
func using(t *testing.T, spec string, behind bool) *kubevirtv1.VirtualMachine {
	t.Helper()
	before := ""
	if behind {
		before = "{name: before, emptyDisk: {capacity: 1Gi}}, "
	}
	vm := newMachine("vm", kubevirtv1.RunStrategyHalted)
	require.NoError(t, yaml.UnmarshalStrict([]byte(strings.ReplaceAll(spec, "INDENT", before)), &vm.Spec))
	return vm
}

func (s storages) become(ctx context.Context, want *kubevirtv1.VirtualMachine) error {
	info := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		changed := old.DeepCopyObject().(*kubevirtv1.VirtualMachine)
		want.Spec.DeepCopyInto(&changed.Spec)
		return changed, nil
	})
	_, _, err := s.machines.Machine.Update(ctx, "vm", info, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	return err
}

func TestWhatAMachineRefersToIsTurnedToAnotherUseOnlyByWhoMayReadIt(t *testing.T) {
	var resource string
	s := newStorages(t, func(a authorizer.Attributes) bool {
		return a.GetUser().GetName() == "eve" && a.GetResource() == resource
	})
	alice, eve := registrytest.As(t, "alice"), registrytest.As(t, "eve")
	create(t, alice, s.machines.Machine, newMachine("vm", kubevirtv1.RunStrategyHalted))
	for kind, uses := range uses {
		resource = kind
		for from, old := range uses {
			require.NoError(t, s.become(alice, using(t, old, false)), from)
			assert.NoError(t, s.become(eve, using(t, old, true)), "%s: %s, elsewhere in its list", kind, from)
			for to, changed := range uses {
				if to == from {
					continue
				}
				err := s.become(eve, using(t, changed, false))
				if !assert.True(t, apierrors.IsForbidden(err), fmt.Sprintf("%s: %s becomes %s: %v", kind, from, to, err)) {
					require.NoError(t, s.become(alice, using(t, old, false)))
				}
			}
		}
	}
}

func TestAnotherVersionOfAnImageIsPulledWithTheSameSecret(t *testing.T) {
	s := newStorages(t, func(a authorizer.Attributes) bool {
		return a.GetUser().GetName() == "eve" && a.GetResource() == "secrets"
	})
	vm := newMachine("vm", kubevirtv1.RunStrategyHalted)
	image := func(image string) *kubevirtv1.VirtualMachine {
		return using(t, volume(fmt.Sprintf("containerDisk: {image: %q, imagePullSecret: x}", image)), false)
	}
	create(t, registrytest.As(t, "alice"), s.machines.Machine, vm)
	require.NoError(t, s.become(registrytest.As(t, "alice"), image("a.example:5000/i:1")))
	eve := registrytest.As(t, "eve")
	assert.NoError(t, s.become(eve, image("a.example:5000/i:2")))
	assert.NoError(t, s.become(eve, image("a.example:5000/i@sha256:"+strings.Repeat("a", 64))))
	assert.True(t, apierrors.IsForbidden(s.become(eve, image("a.example:5001/i:1"))))
	assert.True(t, apierrors.IsForbidden(s.become(eve, image("a.example/5000/i:1"))))
}

// warned notes the warnings that a request is answered with.
type warned struct{ texts []string }

func (w *warned) AddWarning(_, text string) { w.texts = append(w.texts, text) }

func TestWhatAnInstanceTypeHoldsIsToldToWhoMayReadIt(t *testing.T) {
	s := newStorages(t, func(a authorizer.Attributes) bool {
		return a.GetUser().GetName() == "eve" && a.GetAPIGroup() == instancetypev1.GroupName
	})
	alice, eve := registrytest.As(t, "alice"), registrytest.As(t, "eve")
	s.makeSize(t, alice)
	warnings := &warned{}
	eve = warning.WithWarningRecorder(eve, warnings)

	for _, name := range []string{"size", "missing"} {
		// That its sockets and its memory conflict would tell of the instance type.
		vm := newMachine("vm-"+name, kubevirtv1.RunStrategyHalted)
		vm.Spec.Instancetype = &kubevirtv1.InstancetypeMatcher{Name: ptr.To(name)}
		vm.Spec.Template.Spec.Domain.CPU = &kubevirtv1.CPU{Sockets: ptr.To[uint32](1)}
		creating := func(store rest.Creater) error {
			_, err := store.Create(eve, vm.DeepCopy(), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
			return err
		}
		applying := func(store rest.Updater) error {
			_, _, err := store.Update(eve, vm.Name, rest.DefaultUpdatedObjectInfo(vm.DeepCopy()),
				rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, true, &metav1.UpdateOptions{})
			return err
		}
		assert.True(t, apierrors.IsForbidden(creating(s.machines.Machine)), "%v", creating(s.machines.Machine))
		assert.True(t, apierrors.IsForbidden(applying(s.machines.Machine)), "%v", applying(s.machines.Machine))
		create(t, alice, s.machines.Machine, newMachine(vm.Name, kubevirtv1.RunStrategyHalted))
		assert.True(t, apierrors.IsForbidden(applying(s.machines.Machine)), "%v", applying(s.machines.Machine))
	}
	assert.Empty(t, warnings.texts, "nor whether there is one")
}

func TestAMachineThatRefersToVeryMuchIsNotAskedAboutWithoutEnd(t *testing.T) {
	asked := 0
	s := newStorages(t, func(authorizer.Attributes) bool { asked++; return false })
	vm := newMachine("vm", kubevirtv1.RunStrategyHalted)
	for i := range 5000 {
		vm.Spec.Template.Spec.Volumes = append(vm.Spec.Template.Spec.Volumes, kubevirtv1.Volume{
			Name: fmt.Sprintf("v%d", i), VolumeSource: kubevirtv1.VolumeSource{Secret: &kubevirtv1.SecretVolumeSource{SecretName: ptr.To(fmt.Sprintf("s%d", i))}},
		})
	}
	_, err := s.machines.Machine.Create(registrytest.As(t, "user"), vm, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	require.ErrorContains(t, err, "refers to more than 1024 objects")
	assert.Equal(t, 1024, asked)
}
