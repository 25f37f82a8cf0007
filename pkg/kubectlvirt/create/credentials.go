// SPDX-License-Identifier: Apache-2.0

package create

import (
	"strings"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// addCredentials adds the Secrets that users of the guest log in with.
func (b *builder) addCredentials() error {
	for _, text := range b.Credentials {
		p, err := parseParameters("access-cred", text, []string{"src"}, []string{"type", "method", "user"})
		if err != nil {
			return err
		}
		name, err := p.source()
		if err != nil {
			return err
		}
		credential, err := b.credential(p, &kubevirtv1.AccessCredentialSecretSource{SecretName: name})
		if err != nil {
			return err
		}
		b.spec.AccessCredentials = append(b.spec.AccessCredentials, *credential)
	}
	return nil
}

func (b *builder) credential(p *parameters, secret *kubevirtv1.AccessCredentialSecretSource) (*kubevirtv1.AccessCredential, error) {
	method := strings.ToLower(p.get("method"))
	switch strings.ToLower(p.get("type")) {
	case "", "ssh":
		return b.keys(p, method, secret)
	case "password":
	default:
		return nil, p.wrong("type must be ssh or password")
	}
	switch {
	case method != "" && method != "ga":
		return nil, p.wrong("the method of passwords is ga")
	case p.get("user") != "":
		return nil, p.wrong("the keys of the Secret are the users; leave user out")
	}
	passwords := &kubevirtv1.UserPasswordAccessCredential{}
	passwords.Source.Secret = secret
	passwords.PropagationMethod.QemuGuestAgent = &kubevirtv1.QemuGuestAgentUserPasswordAccessCredentialPropagation{}
	return &kubevirtv1.AccessCredential{UserPassword: passwords}, nil
}

// keys has the guest's agent write keys, which cloud-init then has to let it, or cloud-init itself.
func (b *builder) keys(p *parameters, method string, secret *kubevirtv1.AccessCredentialSecretSource) (*kubevirtv1.AccessCredential, error) {
	keys := &kubevirtv1.SSHPublicKeyAccessCredential{}
	keys.Source.Secret = secret
	switch method {
	case "", "ga":
		user := p.get("user")
		if user == "" {
			user = b.User
		}
		if user == "" {
			return nil, p.wrong("user is needed, here or as --user")
		}
		if !b.changed("ga-manage-ssh") {
			b.seed.agent = true
		}
		keys.PropagationMethod.QemuGuestAgent = &kubevirtv1.QemuGuestAgentSSHPublicKeyAccessCredentialPropagation{Users: []string{user}}
	case noCloud, configDrive:
		if p.get("user") != "" {
			return nil, p.wrong("cloud-init chooses the user; use --user")
		}
		if err := b.seed.need(p, method); err != nil {
			return nil, err
		}
		if method == noCloud {
			keys.PropagationMethod.NoCloud = &kubevirtv1.NoCloudSSHPublicKeyAccessCredentialPropagation{}
		} else {
			keys.PropagationMethod.ConfigDrive = &kubevirtv1.ConfigDriveSSHPublicKeyAccessCredentialPropagation{}
		}
	default:
		return nil, p.wrong("the method of keys is ga, nocloud or configdrive")
	}
	return &kubevirtv1.AccessCredential{SSHPublicKey: keys}, nil
}
