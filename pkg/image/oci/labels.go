// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

const (
	// maxLabels is how many labels an image may ask for.
	maxLabels = 32
	// labelDomain is that of all labels, and labelVariable what says in the name of a variable where the domain ends.
	labelDomain   = "kubevirt.io/"
	labelVariable = "KUBEVIRT_IO_"
)

// Labels returns those that the image asks for, as upstream has them: the variable
// INSTANCETYPE_KUBEVIRT_IO_DEFAULT_PREFERENCE of its environment is the label
// instancetype.kubevirt.io/default-preference. What can't be a label is left out.
func (f *File) Labels() (map[string]string, error) {
	if f.image.manifest.Config.Size > maxManifest {
		return nil, failure.Permanent(failure.CorruptImage, "the configuration of the image is larger than %d bytes", maxManifest)
	}
	raw, err := f.image.config()
	if err != nil {
		return nil, explain(f.ctx, err)
	}
	var content struct {
		Config struct{ Env []string } `json:"config"`
	}
	if err := json.Unmarshal(raw, &content); err != nil {
		return nil, nil // an artifact of another kind, which has no environment
	}
	return labelsOf(content.Config.Env), nil
}

func labelsOf(environment []string) map[string]string {
	labels := map[string]string{}
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		key, ok := labelKey(name)
		if ok && len(validation.IsQualifiedName(key)) == 0 && len(validation.IsValidLabelValue(value)) == 0 {
			labels[key] = value
		}
	}
	if len(labels) <= maxLabels {
		return labels
	}
	for _, key := range slices.Sorted(maps.Keys(labels))[maxLabels:] {
		delete(labels, key)
	}
	return labels
}

// labelKey turns A_B_KUBEVIRT_IO_C_D into a.b.kubevirt.io/c-d.
func labelKey(variable string) (string, bool) {
	before, after, found := strings.Cut(variable, labelVariable)
	if !found {
		return "", false
	}
	return strings.ToLower(strings.ReplaceAll(before, "_", ".") + labelDomain + strings.ReplaceAll(after, "_", "-")), true
}
