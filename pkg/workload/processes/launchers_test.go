// SPDX-License-Identifier: Apache-2.0

package processes

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

func TestInstancesGoToTheMachineOnceItsLauncherCanRunThem(t *testing.T) {
	for name, test := range map[string]struct {
		health *api.Health
		err    error
		want   workload.Placement
	}{
		"healthy": {health: &api.Health{Libvirt: true}, want: workload.Placement{NodeName: "laptop", NotMigratable: onlyNode}},
		"no libvirt": {
			health: &api.Health{Message: "start libvirtd"},
			want:   workload.Placement{Reason: "LibvirtUnavailable", Message: "start libvirtd"},
		},
		"no launcher": {
			err: errors.New("connection refused"),
			want: workload.Placement{
				Reason:  "LauncherUnavailable",
				Message: "virt-launcher does not answer, it is being started again: connection refused",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			launchers := NewLaunchers("laptop", func(context.Context) (*api.Health, error) { return test.health, test.err })
			placement, err := launchers.Place(t.Context(), &kubevirtv1.VirtualMachineInstance{})
			require.NoError(t, err)
			assert.Equal(t, test.want, placement)
			require.NoError(t, launchers.Release(t.Context(), &kubevirtv1.VirtualMachineInstance{}))
		})
	}
}

func TestInstancesStayAwayFromAMachineThatTheyDoNotSelect(t *testing.T) {
	launchers := NewLaunchers("laptop", func(context.Context) (*api.Health, error) { return &api.Health{Libvirt: true}, nil })
	instance := &kubevirtv1.VirtualMachineInstance{}
	for label, placed := range map[string]bool{
		"kubernetes.io/hostname=laptop": true, "kubernetes.io/hostname=server": false,
		"kubevirt.io/schedulable=true": true, "zone=a": false,
	} {
		name, value, _ := strings.Cut(label, "=")
		instance.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "linux", name: value}
		placement, err := launchers.Place(t.Context(), instance)
		require.NoError(t, err)
		if placed {
			assert.Equal(t, "laptop", placement.NodeName, label)
			continue
		}
		assert.Equal(t, "Unschedulable", placement.Reason, label)
		assert.Contains(t, placement.Message, "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector", label)
		assert.Contains(t, placement.Message, "kubernetes.io/hostname=laptop", label)
	}
}
