// SPDX-License-Identifier: Apache-2.0

package v1

// AccessCredential is exactly one kind of credential that users of the guest log in with.
type AccessCredential struct {
	// SSHPublicKey lets those log in who have one of the keys.
	// +optional
	SSHPublicKey *SSHPublicKeyAccessCredential `json:"sshPublicKey,omitempty"`
	// UserPassword sets passwords.
	// +optional
	UserPassword *UserPasswordAccessCredential `json:"userPassword,omitempty"`
}

// SSHPublicKeyAccessCredential are public keys, each value of a Secret one or more of them, one a line.
type SSHPublicKeyAccessCredential struct {
	Source            SSHPublicKeyAccessCredentialSource            `json:"source"`
	PropagationMethod SSHPublicKeyAccessCredentialPropagationMethod `json:"propagationMethod"`
}

// SSHPublicKeyAccessCredentialSource is where keys come from.
type SSHPublicKeyAccessCredentialSource struct {
	// +optional
	Secret *AccessCredentialSecretSource `json:"secret,omitempty"`
}

// AccessCredentialSecretSource names a Secret of the same namespace.
type AccessCredentialSecretSource struct {
	SecretName string `json:"secretName"`
}

// SSHPublicKeyAccessCredentialPropagationMethod is exactly one way for keys to get into the guest.
type SSHPublicKeyAccessCredentialPropagationMethod struct {
	// ConfigDrive puts them into the cloud-init volume of that kind, when the guest starts.
	// +optional
	ConfigDrive *ConfigDriveSSHPublicKeyAccessCredentialPropagation `json:"configDrive,omitempty"`
	// NoCloud puts them into the cloud-init volume of that kind, when the guest starts.
	// +optional
	NoCloud *NoCloudSSHPublicKeyAccessCredentialPropagation `json:"noCloud,omitempty"`
	// QemuGuestAgent has the guest's agent set them, and again when the Secret changes.
	// +optional
	QemuGuestAgent *QemuGuestAgentSSHPublicKeyAccessCredentialPropagation `json:"qemuGuestAgent,omitempty"`
}

// ConfigDriveSSHPublicKeyAccessCredentialPropagation has no options.
type ConfigDriveSSHPublicKeyAccessCredentialPropagation struct{}

// NoCloudSSHPublicKeyAccessCredentialPropagation has no options.
type NoCloudSSHPublicKeyAccessCredentialPropagation struct{}

// QemuGuestAgentSSHPublicKeyAccessCredentialPropagation names whose keys they are.
type QemuGuestAgentSSHPublicKeyAccessCredentialPropagation struct {
	// Users of the guest, who lose all keys that are not in a Secret.
	// +listType=set
	Users []string `json:"users"`
}

// UserPasswordAccessCredential are passwords: each key of a Secret is a user, its value the password.
type UserPasswordAccessCredential struct {
	Source            UserPasswordAccessCredentialSource            `json:"source"`
	PropagationMethod UserPasswordAccessCredentialPropagationMethod `json:"propagationMethod"`
}

// UserPasswordAccessCredentialSource is where passwords come from.
type UserPasswordAccessCredentialSource struct {
	// +optional
	Secret *AccessCredentialSecretSource `json:"secret,omitempty"`
}

// UserPasswordAccessCredentialPropagationMethod is the way for passwords to get into the guest.
type UserPasswordAccessCredentialPropagationMethod struct {
	// QemuGuestAgent has the guest's agent set them, and again when the Secret changes.
	// +optional
	QemuGuestAgent *QemuGuestAgentUserPasswordAccessCredentialPropagation `json:"qemuGuestAgent,omitempty"`
}

// QemuGuestAgentUserPasswordAccessCredentialPropagation has no options.
type QemuGuestAgentUserPasswordAccessCredentialPropagation struct{}

// SecretName of the credential; "" where it has none.
func (c *AccessCredential) SecretName() string {
	switch {
	case c.SSHPublicKey != nil && c.SSHPublicKey.Source.Secret != nil:
		return c.SSHPublicKey.Source.Secret.SecretName
	case c.UserPassword != nil && c.UserPassword.Source.Secret != nil:
		return c.UserPassword.Source.Secret.SecretName
	}
	return ""
}

// ByAgent says whether the guest's agent is to set the credential.
func (c *AccessCredential) ByAgent() bool {
	return c.SSHPublicKey != nil && c.SSHPublicKey.PropagationMethod.QemuGuestAgent != nil ||
		c.UserPassword != nil && c.UserPassword.PropagationMethod.QemuGuestAgent != nil
}
