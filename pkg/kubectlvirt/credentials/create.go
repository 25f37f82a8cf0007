// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// create gives the machine a Secret. A guest that runs would not see it, so that has to be asked for.
func (o *AddKeyOptions) create(ctx context.Context, keys []publicKey) error {
	running, err := o.client.HasInstance(ctx, o.vm.Name)
	switch {
	case o.Force:
	case err != nil:
		return err
	case running:
		return &machines.Hinted{
			Err: fmt.Errorf("virtual machine %q is running, and its guest gets no new Secret before it starts anew", o.vm.Name),
			Hints: []string{
				"Stop it first: " + o.client.Command("virt stop %s", o.vm.Name),
				"Or add --force, and later start it anew: " + o.client.Command("virt restart %s", o.vm.Name),
			},
		}
	}
	name, err := o.client.CreateCredential(ctx, o.vm, o.newSecret(keys), o.credential)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.streams.Out, "secret/%s created with the key of user %s\nvirtualmachine.kubevirt.io/%s names secret %s\n", name, o.User, o.vm.Name, name)
	if running {
		fmt.Fprintf(o.streams.Out, "It takes effect when the guest starts anew: %s\n", o.client.Command("virt restart %s", o.vm.Name))
	}
	return nil
}

func (o *AddKeyOptions) newSecret(keys []publicKey) *corev1.Secret {
	secret := &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Name:            o.Secret,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(o.vm, kubevirtv1.SchemeGroupVersion.WithKind(machineKind))},
		},
		Data: map[string][]byte{newName(nil): missing(nil, keys)},
	}
	if secret.Name == "" {
		secret.GenerateName = o.vm.Name + "-ssh-key-"
	}
	return secret
}

func (o *AddKeyOptions) credential(secret string) *kubevirtv1.AccessCredential {
	keys := &kubevirtv1.SSHPublicKeyAccessCredential{}
	keys.Source.Secret = &kubevirtv1.AccessCredentialSecretSource{SecretName: secret}
	keys.PropagationMethod.QemuGuestAgent = &kubevirtv1.QemuGuestAgentSSHPublicKeyAccessCredentialPropagation{Users: []string{o.User}}
	return &kubevirtv1.AccessCredential{SSHPublicKey: keys}
}

// newName is one that no value has.
func newName(values map[string][]byte) string {
	for {
		name := "ssh-key-" + rand.String(6)
		if _, taken := values[name]; !taken {
			return name
		}
	}
}
