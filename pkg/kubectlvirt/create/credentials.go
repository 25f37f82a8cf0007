// SPDX-License-Identifier: Apache-2.0

package create

import (
	"fmt"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// addCredentials adds the Secrets that users of the guest log in with. It returns whether one of them needs
// cloud-init to get into the guest.
func (o *Options) addCredentials(spec *kubevirtv1.VirtualMachineInstanceSpec) (needsSeed bool, err error) {
	for _, text := range o.Credentials {
		p, err := parseParameters("access-cred", text, []string{"src"}, []string{"type", "method", "user"})
		if err != nil {
			return false, err
		}
		credential, err := o.credential(p)
		if err != nil {
			return false, fmt.Errorf("--access-cred %s: %w", text, err)
		}
		needsSeed = needsSeed || p["method"] == "nocloud"
		spec.AccessCredentials = append(spec.AccessCredentials, *credential)
	}
	return needsSeed, nil
}

func (o *Options) credential(p parameters) (*kubevirtv1.AccessCredential, error) {
	secret := &kubevirtv1.AccessCredentialSecretSource{SecretName: p["src"]}
	switch p["type"] + "/" + p["method"] {
	case "/", "ssh/", "/ga", "ssh/ga":
		user := p["user"]
		if user == "" {
			user = o.User
		}
		if user == "" {
			return nil, fmt.Errorf("user is needed, here or as --user")
		}
		credential := keys(secret)
		credential.SSHPublicKey.PropagationMethod.QemuGuestAgent = &kubevirtv1.QemuGuestAgentSSHPublicKeyAccessCredentialPropagation{Users: []string{user}}
		return credential, nil
	case "/nocloud", "ssh/nocloud":
		if p["user"] != "" {
			return nil, fmt.Errorf("cloud-init chooses the user; use --user")
		}
		credential := keys(secret)
		credential.SSHPublicKey.PropagationMethod.NoCloud = &kubevirtv1.NoCloudSSHPublicKeyAccessCredentialPropagation{}
		return credential, nil
	case "password/", "password/ga":
		if p["user"] != "" {
			return nil, fmt.Errorf("the keys of the Secret are the users; leave user out")
		}
		passwords := &kubevirtv1.UserPasswordAccessCredential{}
		passwords.Source.Secret = secret
		passwords.PropagationMethod.QemuGuestAgent = &kubevirtv1.QemuGuestAgentUserPasswordAccessCredentialPropagation{}
		return &kubevirtv1.AccessCredential{UserPassword: passwords}, nil
	default:
		return nil, fmt.Errorf("type must be ssh, with the method ga or nocloud, or password, with the method ga")
	}
}

func keys(secret *kubevirtv1.AccessCredentialSecretSource) *kubevirtv1.AccessCredential {
	credential := &kubevirtv1.SSHPublicKeyAccessCredential{}
	credential.Source.Secret = secret
	return &kubevirtv1.AccessCredential{SSHPublicKey: credential}
}
