// SPDX-License-Identifier: Apache-2.0

package create

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// randomLength is how many letters make a name that nobody chose its own.
const randomLength = 5

// builder makes one machine. Its steps are in the order in which a guest looks for what to boot from.
type builder struct {
	*Options
	vm   *kubevirtv1.VirtualMachine
	spec *kubevirtv1.VirtualMachineInstanceSpec
	// boots are the volumes that have a boot order.
	boots map[uint]string
	// naming are the volumes whose labels may name an instance type and a preference.
	naming map[string]bool
	seed   seed
}

// build makes the machine.
func (o *Options) build() (*kubevirtv1.VirtualMachine, error) {
	memory, err := verbatim.ParseQuantity(o.Memory)
	if err != nil {
		return nil, fmt.Errorf("--memory %q: %w", o.Memory, err)
	}
	strategy, err := parseStrategy(o.RunStrategy)
	if err != nil {
		return nil, err
	}
	name := o.Name
	if name == "" {
		name = "vm-" + rand.String(randomLength)
	}
	vm := &kubevirtv1.VirtualMachine{
		TypeMeta:   metav1.TypeMeta{APIVersion: kubevirtv1.SchemeGroupVersion.String(), Kind: "VirtualMachine"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: o.Namespace},
		Spec:       kubevirtv1.VirtualMachineSpec{RunStrategy: &strategy, Template: &kubevirtv1.VirtualMachineInstanceTemplateSpec{}},
	}
	b := &builder{
		Options: o, vm: vm, spec: &vm.Spec.Template.Spec, boots: map[uint]string{}, naming: map[string]bool{},
		seed: seed{kind: strings.ToLower(o.CloudInit), explicit: o.changed("cloud-init"), agent: o.GAManageSSH},
	}
	b.spec.TerminationGracePeriodSeconds = ptr.To(o.GracePeriod)
	b.spec.Domain.Memory = &kubevirtv1.Memory{Guest: &memory}
	for _, step := range []func() error{
		b.addMatchers, b.addContainerDisks, b.addClaims, b.addImports, b.addSysprep, b.addCredentials, b.addCloudInit, b.inferMatchers,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return vm, nil
}

func strategies() []string {
	return []string{
		string(kubevirtv1.RunStrategyAlways), string(kubevirtv1.RunStrategyManual), string(kubevirtv1.RunStrategyHalted),
		string(kubevirtv1.RunStrategyOnce), string(kubevirtv1.RunStrategyRerunOnFailure),
	}
}

func parseStrategy(text string) (kubevirtv1.VirtualMachineRunStrategy, error) {
	for _, strategy := range strategies() {
		if strings.EqualFold(strategy, text) {
			return kubevirtv1.VirtualMachineRunStrategy(strategy), nil
		}
	}
	return "", fmt.Errorf("--run-strategy must be one of %s, not %q", strings.Join(strategies(), ", "), text)
}
