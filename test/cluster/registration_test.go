// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/virt-apiserver/virt-apiserver/test/apitest"
)

func TestEachVersionIsAvailableThroughTheAggregator(t *testing.T) {
	t.Parallel()
	for _, groupVersion := range apitest.GroupVersions() {
		group, version, _ := strings.Cut(groupVersion, "/")
		status := shared.Kubectl(t, "get", "apiservice", version+"."+group,
			"-o", `jsonpath={.status.conditions[?(@.type=="Available")].status}`)
		assert.Equal(t, "True", status, groupVersion)
		skips := shared.Kubectl(t, "get", "apiservice", version+"."+group, "-o", "jsonpath={.spec.insecureSkipTLSVerify}")
		assert.Empty(t, skips, "%s is reached without a check of the certificate", groupVersion)
	}
}
