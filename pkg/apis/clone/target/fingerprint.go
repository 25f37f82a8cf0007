// SPDX-License-Identifier: Apache-2.0

package target

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// SourceAnnotation, on a clone, is the Fingerprint of its source when the clone was accepted. The server sets it,
// and nobody changes it.
const SourceAnnotation = "clone.kubevirt.io/source-fingerprint"

// Fingerprint is of all that a clone takes from its source's spec. It is the same whether the source runs or not.
func Fingerprint(source *kubevirtv1.VirtualMachine) (string, error) {
	spec := source.Spec
	spec.Running, spec.RunStrategy = nil, nil
	content, err := json.Marshal(spec)
	if err != nil {
		return "", fmt.Errorf("fingerprint virtual machine %q: %w", source.Name, err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16]), nil
}
