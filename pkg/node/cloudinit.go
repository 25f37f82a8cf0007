// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// maxSeedBytes of user data and of network data is what a Secret can hold.
const maxSeedBytes = corev1.MaxSecretSize

// The keys of a Secret; the first that is there counts.
var (
	userDataKeys    = []string{"userdata", "userData"}
	networkDataKeys = []string{"networkdata", "networkData"}
)

// seed resolves a cloud-init source: what is inline, encoded, or in a Secret.
func (a *Agent) seed(ctx context.Context, namespace string, source *kubevirtv1.CloudInitSource) (api.Seed, error) {
	userData, err := a.seedPart(ctx, namespace, ptr.Deref(source.UserData, ""), ptr.Deref(source.UserDataBase64, ""), source.UserDataSecretRef, userDataKeys)
	if err != nil {
		return api.Seed{}, fmt.Errorf("user data: %w", err)
	}
	networkData, err := a.seedPart(ctx, namespace, ptr.Deref(source.NetworkData, ""), ptr.Deref(source.NetworkDataBase64, ""), source.NetworkDataSecretRef, networkDataKeys)
	if err != nil {
		return api.Seed{}, fmt.Errorf("network data: %w", err)
	}
	return api.Seed{UserData: userData, NetworkData: networkData}, nil
}

func (a *Agent) seedPart(ctx context.Context, namespace, inline, encoded string, ref *corev1.LocalObjectReference, keys []string) ([]byte, error) {
	data := []byte(inline)
	var err error
	switch {
	case ref != nil:
		data, err = a.secretValue(ctx, namespace, ref.Name, keys)
	case encoded != "":
		data, err = base64.StdEncoding.DecodeString(encoded)
	}
	if err != nil {
		return nil, err
	}
	if len(data) > maxSeedBytes {
		return nil, fmt.Errorf("%d bytes are more than the %d that are allowed", len(data), maxSeedBytes)
	}
	return data, nil
}

func (a *Agent) secretValue(ctx context.Context, namespace, name string, keys []string) ([]byte, error) {
	secret, err := a.secret(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if value, found := secret.Data[key]; found {
			return value, nil
		}
	}
	return nil, fmt.Errorf("secret %q has no key %s", name, strings.Join(keys, " or "))
}
