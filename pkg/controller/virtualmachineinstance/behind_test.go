// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// The cache has disks that the server does not: they were made again a moment ago.
func TestDiskThatIsFilledOnlyInTheCacheIsNotGivenToAGuest(t *testing.T) {
	for name, test := range map[string]struct {
		resource string
		live     runtime.Object
		reason   string
	}{
		"DataVolume": {"datavolumes", dataVolume("dv", cdiv1.ImportInProgress), "NotAllDVsReady"},
		"claim":      {"persistentvolumeclaims", claim("dv", corev1.ClaimPending), "WaitingForVolumeBinding"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var learned atomic.Bool
				behind := func(clienttesting.Action) (bool, runtime.Object, error) { return !learned.Load(), test.live, nil }
				if test.resource == "datavolumes" {
					w.server.PrependReactor("get", test.resource, behind)
				} else {
					w.core.PrependReactor("get", test.resource, behind)
				}
				w.create(dataVolume("dv", cdiv1.Succeeded), claim("dv", corev1.ClaimBound))
				w.create(newInstance("vm", ofDataVolume("dv")))
				w.after(time.Minute)
				placed, _ := w.launchers.have()
				require.Empty(w, placed)
				assert.Equal(w, test.reason, w.status("vm").Reason)
				learned.Store(true)
				w.after(time.Minute)
				assert.Equal(w, kubevirtv1.Scheduled, w.status("vm").Phase)
			})
		})
	}
}
