// SPDX-License-Identifier: Apache-2.0

package node

import (
	"testing"

	"github.com/stretchr/testify/assert"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

type netInterface = kubevirtv1.VirtualMachineInstanceNetworkInterface

func TestInterfacesAreMergedByAddress(t *testing.T) {
	known := []netInterface{
		{Name: "default", MAC: "52:54:00:00:00:01", IP: "10.1.0.7", IPs: []string{"10.1.0.7"}, InfoSource: "domain"},
		{Name: "back", MAC: "52:54:00:00:00:02", InfoSource: "domain"},
	}
	told := []api.GuestInterface{
		{Name: "docker0", MAC: "02:42:00:00:00:01", IPs: []string{"172.17.0.1"}},
		{Name: "eth1", MAC: "52:54:00:00:00:02", IPs: []string{"fe80::2", "fd00::2", "192.168.0.2"}},
		{Name: "eth0", MAC: "52:54:00:00:00:01", IPs: []string{"fe80::1", "169.254.7.7", "10.1.0.7", "172.17.0.1", "fd00::1"}},
		{Name: "eth0.5", MAC: "52:54:00:00:00:01", IPs: []string{"10.5.0.1"}},
		{Name: "tun0"},
	}
	assert.Equal(t, []netInterface{
		{Name: "default", MAC: "52:54:00:00:00:01", IP: "10.1.0.7", IPs: []string{"10.1.0.7", "fd00::1"}, InterfaceName: "eth0", InfoSource: "domain, guest-agent"},
		{
			Name: "back", MAC: "52:54:00:00:00:02", IP: "192.168.0.2", IPs: []string{"192.168.0.2", "fd00::2", "fe80::2"},
			InterfaceName: "eth1", InfoSource: "domain, guest-agent",
		},
		{MAC: "02:42:00:00:00:01", IP: "172.17.0.1", IPs: []string{"172.17.0.1"}, InterfaceName: "docker0", InfoSource: "guest-agent"},
		{InterfaceName: "tun0", InfoSource: "guest-agent"},
	}, mergeInterfaces(known, told))
	assert.Equal(t, []string{"10.1.0.7"}, known[0].IPs, "what was given is not changed")
}

func TestInterfacesStayWithoutAnAgent(t *testing.T) {
	known := []netInterface{{Name: "default", MAC: "52:54:00:00:00:01", InfoSource: "domain"}}
	assert.Equal(t, known, mergeInterfaces(known, nil))
}
