// SPDX-License-Identifier: Apache-2.0

package guestagent

import (
	"math"
	"net/netip"
	"strconv"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Info is what an agent says of itself.
type Info struct {
	Version  string
	Commands []kubevirtv1.GuestAgentCommandInfo
}

// Info asks the agent for its version and commands.
func (a *Agent) Info() (Info, error) {
	var answer struct {
		Version  text `json:"version"`
		Commands list[struct {
			Name    text `json:"name"`
			Enabled bool `json:"enabled"`
		}] `json:"supported_commands"`
	}
	if err := a.ask(answerTime, "guest-info", nil, &answer); err != nil {
		return Info{}, err
	}
	info := Info{Version: string(answer.Version)}
	for _, command := range answer.Commands {
		info.Commands = append(info.Commands, kubevirtv1.GuestAgentCommandInfo{Name: string(command.Name), Enabled: command.Enabled})
	}
	return info, nil
}

// OS asks for the guest's operating system.
func (a *Agent) OS() (kubevirtv1.VirtualMachineInstanceGuestOSInfo, error) {
	var answer struct {
		ID            text `json:"id"`
		Name          text `json:"name"`
		PrettyName    text `json:"pretty-name"`
		Version       text `json:"version"`
		VersionID     text `json:"version-id"`
		Machine       text `json:"machine"`
		KernelRelease text `json:"kernel-release"`
		KernelVersion text `json:"kernel-version"`
	}
	err := a.ask(answerTime, "guest-get-osinfo", nil, &answer)
	return kubevirtv1.VirtualMachineInstanceGuestOSInfo{
		ID:            string(answer.ID),
		Name:          string(answer.Name),
		PrettyName:    string(answer.PrettyName),
		Version:       string(answer.Version),
		VersionID:     string(answer.VersionID),
		Machine:       string(answer.Machine),
		KernelRelease: string(answer.KernelRelease),
		KernelVersion: string(answer.KernelVersion),
	}, err
}

// Hostname asks for the guest's name.
func (a *Agent) Hostname() (string, error) {
	var answer struct {
		Name text `json:"host-name"`
	}
	err := a.ask(answerTime, "guest-get-host-name", nil, &answer)
	return string(answer.Name), err
}

// Timezone asks for the guest's, which is a name, where it has one, and the seconds east of UTC.
func (a *Agent) Timezone() (string, error) {
	var answer struct {
		Zone   text  `json:"zone"`
		Offset int32 `json:"offset"`
	}
	if err := a.ask(answerTime, "guest-get-timezone", nil, &answer); err != nil {
		return "", err
	}
	return string(answer.Zone) + ", " + strconv.Itoa(int(answer.Offset)), nil
}

// Users asks who is logged in.
func (a *Agent) Users() ([]kubevirtv1.VirtualMachineInstanceGuestOSUser, error) {
	var answer list[struct {
		Name   text    `json:"user"`
		Domain text    `json:"domain"`
		Login  float64 `json:"login-time"`
	}]
	if err := a.ask(answerTime, "guest-get-users", nil, &answer); err != nil {
		return nil, err
	}
	users := make([]kubevirtv1.VirtualMachineInstanceGuestOSUser, 0, len(answer))
	for _, user := range answer {
		users = append(users, kubevirtv1.VirtualMachineInstanceGuestOSUser{
			UserName: string(user.Name), Domain: string(user.Domain), LoginTime: user.Login,
		})
	}
	return users, nil
}

// size is a number of bytes. One that no file system has is the most that there can be.
type size int64

// UnmarshalJSON implements json.Unmarshaler.
func (s *size) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	number, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return err
	}
	switch {
	case number < 0:
		*s = 0
	case number >= math.MaxInt64:
		*s = math.MaxInt64
	default:
		*s = size(number)
	}
	return nil
}

// FileSystems asks for what is mounted.
func (a *Agent) FileSystems() ([]kubevirtv1.VirtualMachineInstanceFileSystem, error) {
	var answer list[struct {
		Name       text `json:"name"`
		MountPoint text `json:"mountpoint"`
		Type       text `json:"type"`
		Used       size `json:"used-bytes"`
		Total      size `json:"total-bytes"`
		Disks      list[struct {
			Serial text `json:"serial"`
			Bus    text `json:"bus-type"`
		}] `json:"disk"`
	}]
	if err := a.ask(answerTime, "guest-get-fsinfo", nil, &answer); err != nil {
		return nil, err
	}
	systems := make([]kubevirtv1.VirtualMachineInstanceFileSystem, 0, len(answer))
	for _, found := range answer {
		system := kubevirtv1.VirtualMachineInstanceFileSystem{
			DiskName: string(found.Name), MountPoint: string(found.MountPoint), FileSystemType: string(found.Type),
			UsedBytes: int64(found.Used), TotalBytes: int64(found.Total),
		}
		for _, disk := range found.Disks {
			system.Disk = append(system.Disk, kubevirtv1.VirtualMachineInstanceFileSystemDisk{Serial: string(disk.Serial), BusType: string(disk.Bus)})
		}
		systems = append(systems, system)
	}
	return systems, nil
}

// Interface is a network interface as the guest has it.
type Interface struct {
	Name string
	// MAC is as the guest tells it; it may be empty.
	MAC string
	// IPs are addresses without zones.
	IPs []string
}

// Interfaces asks for the guest's network, without the loopback interface.
func (a *Agent) Interfaces() ([]Interface, error) {
	var answer list[struct {
		Name      text `json:"name"`
		MAC       text `json:"hardware-address"`
		Addresses list[struct {
			Address text `json:"ip-address"`
		}] `json:"ip-addresses"`
	}]
	if err := a.ask(answerTime, "guest-network-get-interfaces", nil, &answer); err != nil {
		return nil, err
	}
	var interfaces []Interface
	for _, found := range answer {
		if found.Name == "lo" || isLoopbackMAC(string(found.MAC)) {
			continue
		}
		item := Interface{Name: string(found.Name), MAC: string(found.MAC)}
		for _, ip := range found.Addresses {
			if address, err := netip.ParseAddr(string(ip.Address)); err == nil {
				item.IPs = append(item.IPs, address.WithZone("").String())
			}
		}
		interfaces = append(interfaces, item)
	}
	return interfaces, nil
}

func isLoopbackMAC(mac string) bool { return mac == "00:00:00:00:00:00" }
