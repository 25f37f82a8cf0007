// SPDX-License-Identifier: Apache-2.0

package node

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestTheAddressForVSOCKIsToldWithAllElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	vmi := scheduled()
	vmi.Spec.Domain.Devices.AutoattachVSOCK = ptr.To(true)
	w.server.create(vmi)
	assert.Equal(t, ptr.To[uint32](7), w.untilPhase(kubevirtv1.Running).Status.VSOCKCID)
	assert.Equal(t, 1, w.server.writeCount(), "it takes no write of its own")
}
