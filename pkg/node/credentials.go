// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// seedKeys are the SSH keys for a cloud-init volume of vmi.
func (a *Agent) seedKeys(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, volume *kubevirtv1.Volume) ([]string, error) {
	var keys []string
	for i := range vmi.Spec.AccessCredentials {
		credential := vmi.Spec.AccessCredentials[i].SSHPublicKey
		if credential == nil {
			continue
		}
		method := credential.PropagationMethod
		if (method.NoCloud == nil || volume.CloudInitNoCloud == nil) && (method.ConfigDrive == nil || volume.CloudInitConfigDrive == nil) {
			continue
		}
		secret, err := a.secret(ctx, vmi.Namespace, vmi.Spec.AccessCredentials[i].SecretName())
		if err != nil {
			return nil, fmt.Errorf("SSH keys: %w", err)
		}
		keys = append(keys, keysIn(secret)...)
	}
	return keys, nil
}

// keysIn are the SSH keys of a Secret: each value holds one or more, one a line.
func keysIn(secret *corev1.Secret) []string {
	var keys []string
	for _, name := range slices.Sorted(maps.Keys(secret.Data)) {
		for line := range strings.Lines(string(secret.Data[name])) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !slices.Contains(keys, line) {
				keys = append(keys, line)
			}
		}
	}
	return keys
}

// wantsCredentials says whether the agent in vmi's guest is to set any.
func wantsCredentials(vmi *kubevirtv1.VirtualMachineInstance) bool {
	return slices.ContainsFunc(vmi.Spec.AccessCredentials, func(c kubevirtv1.AccessCredential) bool { return c.ByAgent() })
}

// agentCredentials are those that the agent in vmi's guest is to set. Their version changes with the Secrets.
func (a *Agent) agentCredentials(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) (api.Credentials, error) {
	wanted := api.Credentials{AuthorizedKeys: map[string][]string{}, Passwords: map[string][]byte{}}
	version := sha256.New()
	for i := range vmi.Spec.AccessCredentials {
		credential := &vmi.Spec.AccessCredentials[i]
		if !credential.ByAgent() {
			continue
		}
		secret, err := a.secret(ctx, vmi.Namespace, credential.SecretName())
		if err != nil {
			return api.Credentials{}, err
		}
		fmt.Fprintf(version, "%s/%s/%s\n", secret.Name, secret.UID, secret.ResourceVersion)
		if credential.UserPassword != nil {
			maps.Copy(wanted.Passwords, secret.Data)
			continue
		}
		for _, user := range credential.SSHPublicKey.PropagationMethod.QemuGuestAgent.Users {
			for _, key := range keysIn(secret) {
				if !slices.Contains(wanted.AuthorizedKeys[user], key) {
					wanted.AuthorizedKeys[user] = append(wanted.AuthorizedKeys[user], key)
				}
			}
			if wanted.AuthorizedKeys[user] == nil {
				wanted.AuthorizedKeys[user] = []string{}
			}
		}
	}
	wanted.Version = hex.EncodeToString(version.Sum(nil))
	return wanted, nil
}

func (a *Agent) secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret, err := a.Core.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("there is no Secret %q in namespace %q", name, namespace)
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %q: %w", name, err)
	}
	return secret, nil
}
