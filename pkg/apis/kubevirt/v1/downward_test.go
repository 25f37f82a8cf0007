// SPDX-License-Identifier: Apache-2.0

package v1_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestFieldsAreShownAsPodsSeeThem(t *testing.T) {
	vmi := &v1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: "vm", UID: "u1",
		Labels:      map[string]string{"b": "2", "a": "1"},
		Annotations: map[string]string{"note": "two\nlines \"quoted\""},
	}}
	for path, want := range map[string]string{
		"metadata.name":                "vm",
		"metadata.namespace":           "ns",
		"metadata.uid":                 "u1",
		"metadata.labels":              "a=\"1\"\nb=\"2\"",
		"metadata.labels['b']":         "2",
		"metadata.labels['none']":      "",
		"metadata.annotations":         `note="two\nlines \"quoted\""`,
		"metadata.annotations['note']": "two\nlines \"quoted\"",
	} {
		field, ok := v1.ParseDownwardField(path)
		require.True(t, ok, path)
		assert.Equal(t, want, field.Of(vmi), path)
	}
	for _, path := range []string{"", "spec", "metadata", "metadata.name['x']", "metadata.labels['']", "metadata.labels['x'"} {
		_, ok := v1.ParseDownwardField(path)
		assert.False(t, ok, path)
	}
}
