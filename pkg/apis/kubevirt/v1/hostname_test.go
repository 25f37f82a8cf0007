// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/utils/ptr"
)

func TestHostnameIsAFirstLabel(t *testing.T) {
	for name, want := range map[string]string{
		"web-1":                          "web-1",
		"web-1.shop":                     "web-1",
		strings.Repeat("a", 62) + "-bcd": strings.Repeat("a", 62),
	} {
		instance := &VirtualMachineInstance{}
		instance.Name = name
		assert.Equal(t, want, instance.Hostname())
		instance.Spec.Hostname = ptr.To("asked-for")
		assert.Equal(t, "asked-for", instance.Hostname())
	}
}
