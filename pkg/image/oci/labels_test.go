// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVariablesOfAnImageAreLabels(t *testing.T) {
	t.Parallel()
	assert.Equal(t, map[string]string{
		"instancetype.kubevirt.io/default-instancetype": "u1.nano",
		"instancetype.kubevirt.io/default-preference":   "cirros",
		"kubevirt.io/dynamic-credentials-support":       "true",
		"test.test.kubevirt.io/test-test":               "",
	}, labelsOf([]string{
		"PATH=/bin", "INSTANCETYPE_KUBEVIRT_IO_DEFAULT_INSTANCETYPE=u1.nano", "INSTANCETYPE_KUBEVIRT_IO_DEFAULT_PREFERENCE=cirros",
		"KUBEVIRT_IO_DYNAMIC_CREDENTIALS_SUPPORT=true", "TEST_TEST_KUBEVIRT_IO_TEST_TEST", "KUBEVIRT_IO_=x", "_KUBEVIRT_IO_A=x",
		"KUBEVIRT_IO_B=no label", "KUBEVIRT_IO_" + strings.Repeat("C", 64) + "=x", "A/B_KUBEVIRT_IO_D=x",
	}))
}

func TestAnImageHasSoManyLabelsAndNoMore(t *testing.T) {
	t.Parallel()
	var environment []string
	for i := range 100 {
		environment = append(environment, fmt.Sprintf("KUBEVIRT_IO_L%02d=x", i))
	}
	labels := labelsOf(environment)
	assert.Len(t, labels, maxLabels)
	assert.Contains(t, labels, "kubevirt.io/l00")
}
