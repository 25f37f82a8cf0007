// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// DownwardField is a field of an instance that its guest may be shown.
type DownwardField struct {
	// Name is metadata.name, metadata.namespace, metadata.uid, metadata.labels or metadata.annotations.
	Name string
	// Key of the label or the annotation, if only one is meant.
	Key string
}

// ParseDownwardField reads a fieldPath; ok is false where there is no such field to be shown.
func ParseDownwardField(path string) (f DownwardField, ok bool) {
	name, key, keyed := strings.Cut(path, "['")
	if keyed {
		if key, ok = strings.CutSuffix(key, "']"); !ok || key == "" {
			return f, false
		}
	}
	switch name {
	case "metadata.labels", "metadata.annotations":
		return DownwardField{Name: name, Key: key}, true
	case "metadata.name", "metadata.namespace", "metadata.uid":
		return DownwardField{Name: name}, !keyed
	}
	return f, false
}

// Of returns the field's content, in the form that Kubernetes has for pods: maps as lines of key="value".
func (f DownwardField) Of(vmi *VirtualMachineInstance) string {
	switch f.Name {
	case "metadata.name":
		return vmi.Name
	case "metadata.namespace":
		return vmi.Namespace
	case "metadata.uid":
		return string(vmi.UID)
	case "metadata.labels":
		return f.entry(vmi.Labels)
	default:
		return f.entry(vmi.Annotations)
	}
}

func (f DownwardField) entry(all map[string]string) string {
	if f.Key != "" {
		return all[f.Key]
	}
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, fmt.Sprintf("%s=%q", key, all[key]))
	}
	return strings.Join(lines, "\n")
}
