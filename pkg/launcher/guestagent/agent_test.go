// SPDX-License-Identifier: Apache-2.0

package guestagent

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// answering is an agent that answers everything alike.
func answering(answer string) *Agent {
	return New(func(string, time.Duration) (string, error) { return answer, nil })
}

func TestAnswersBecomeTypes(t *testing.T) {
	info, err := answering(`{"return":{"version":"7.2.0","supported_commands":[{"name":"guest-ping","enabled":true,"success-response":true}]}}`).Info()
	require.NoError(t, err)
	assert.Equal(t, Info{"7.2.0", []kubevirtv1.GuestAgentCommandInfo{{Name: "guest-ping", Enabled: true}}}, info)

	os, err := answering(`{"return":{"id":"debian","name":"Debian GNU/Linux","pretty-name":"Debian 12","version":"12 (bookworm)","version-id":"12",
		"machine":"x86_64","kernel-release":"6.1.0","kernel-version":"#1 SMP","variant":"server"}}`).OS()
	require.NoError(t, err)
	assert.Equal(t, kubevirtv1.VirtualMachineInstanceGuestOSInfo{
		ID: "debian", Name: "Debian GNU/Linux", PrettyName: "Debian 12", Version: "12 (bookworm)", VersionID: "12",
		Machine: "x86_64", KernelRelease: "6.1.0", KernelVersion: "#1 SMP",
	}, os)

	name, err := answering(`{"return":{"host-name":"web"}}`).Hostname()
	require.NoError(t, err)
	assert.Equal(t, "web", name)
	zone, err := answering(`{"return":{"zone":"CET","offset":3600}}`).Timezone()
	require.NoError(t, err)
	assert.Equal(t, "CET, 3600", zone)

	users, err := answering(`{"return":[{"user":"root","login-time":1700000000.5}]}`).Users()
	require.NoError(t, err)
	assert.Equal(t, []kubevirtv1.VirtualMachineInstanceGuestOSUser{{UserName: "root", LoginTime: 1700000000.5}}, users)

	systems, err := answering(`{"return":[{"name":"vda2","mountpoint":"/","type":"ext4","used-bytes":1,"total-bytes":1e30,
		"disk":[{"serial":"s","bus-type":"virtio","bus":0,"pci-controller":{}}]},{"name":"sr0","mountpoint":"/cd","type":"iso9660","used-bytes":null,"disk":[]}]}`).FileSystems()
	require.NoError(t, err)
	assert.Equal(t, []kubevirtv1.VirtualMachineInstanceFileSystem{
		{
			DiskName: "vda2", MountPoint: "/", FileSystemType: "ext4", UsedBytes: 1, TotalBytes: math.MaxInt64,
			Disk: []kubevirtv1.VirtualMachineInstanceFileSystemDisk{{Serial: "s", BusType: "virtio"}},
		},
		{DiskName: "sr0", MountPoint: "/cd", FileSystemType: "iso9660"},
	}, systems)
}

func TestInterfacesAreThoseWithAnAddressThatOthersCanUse(t *testing.T) {
	interfaces, err := answering(`{"return":[
		{"name":"lo","hardware-address":"00:00:00:00:00:00","ip-addresses":[{"ip-address":"127.0.0.1","ip-address-type":"ipv4","prefix":8}]},
		{"name":"eth0","hardware-address":"52:54:00:00:00:01","ip-addresses":[{"ip-address":"10.0.2.15"},{"ip-address":"fe80::1%eth0"},{"ip-address":"nonsense"}]},
		{"name":"tun0"}]}`).Interfaces()
	require.NoError(t, err)
	assert.Equal(t, []Interface{
		{Name: "eth0", MAC: "52:54:00:00:00:01", IPs: []string{"10.0.2.15", "fe80::1"}},
		{Name: "tun0"},
	}, interfaces)
}

func TestFreezeStatusIsOneOfTwo(t *testing.T) {
	frozen, err := answering(`{"return":"frozen"}`).Frozen()
	require.NoError(t, err)
	assert.True(t, frozen)
	frozen, err = answering(`{"return":"thawed"}`).Frozen()
	require.NoError(t, err)
	assert.False(t, frozen)
	_, err = answering(`{"return":"melting"}`).Frozen()
	require.ErrorIs(t, err, ErrGarbage)
}

func TestNonsenseIsAnError(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":         ``,
		"no JSON":         `login: `,
		"half an answer":  `{"return":{"version":"7`,
		"no return":       `{"error":{"class":"GenericError"}}`,
		"null":            `null`,
		"a list":          `[1]`,
		"another type":    `{"return":"7.2"}`,
		"a text is a map": `{"return":{"version":{}}}`,
		"no list":         `{"return":{"supported_commands":{}}}`,
		"too long":        `{"return":{"version":"` + strings.Repeat("x", maxAnswer) + `"}}`,
		"too deep":        `{"return":{"supported_commands":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := answering(answer).Info()
			require.ErrorIs(t, err, ErrGarbage)
			assert.Less(t, len(err.Error()), 1<<10)
		})
	}
}

func TestWhatAGuestSaysIsCapped(t *testing.T) {
	long := strings.Repeat("ü", maxText)
	info, err := answering(`{"return":{"version":"` + long + `","supported_commands":[` +
		strings.Repeat(`{"name":"\u001b[31mred\n"},`, 10*maxItems) + `{"name":"last"}]}}`).Info()
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("ü", maxText/2), info.Version)
	assert.Len(t, info.Commands, maxItems)
	assert.Equal(t, " [31mred ", info.Commands[0].Name, "nothing that does anything to a terminal")
}

func TestErrorsOfTheExecutorAreKept(t *testing.T) {
	away := errors.New("away")
	agent := New(func(string, time.Duration) (string, error) { return "", away })
	require.ErrorIs(t, agent.Ping(time.Second), away)
	require.ErrorIs(t, agent.Freeze(), away)
	_, err := agent.Exec(t.Context(), []string{"true"})
	require.ErrorIs(t, err, away)
}

func TestCommandsAreWhatTheAgentReads(t *testing.T) {
	var sent []string
	agent := New(func(command string, _ time.Duration) (string, error) {
		sent = append(sent, command)
		return `{"return":{}}`, nil
	})
	require.NoError(t, agent.Ping(time.Second))
	require.NoError(t, agent.SetAuthorizedKeys("root", []string{"ssh-ed25519 A"}))
	require.NoError(t, agent.SetPassword("root", "secret"))
	assert.Equal(t, []string{
		`{"execute":"guest-ping"}`,
		`{"execute":"guest-ssh-add-authorized-keys","arguments":{"keys":["ssh-ed25519 A"],"reset":true,"username":"root"}}`,
		`{"execute":"guest-set-user-password","arguments":{"crypted":false,"password":"c2VjcmV0","username":"root"}}`,
	}, sent)
}

func TestExecWaitsForTheEnd(t *testing.T) {
	looks := 0
	agent := New(func(command string, _ time.Duration) (string, error) {
		if strings.Contains(command, `"guest-exec"`) {
			assert.JSONEq(t, `{"execute":"guest-exec","arguments":{"path":"ls","arg":["-l"],"capture-output":true}}`, command)
			return `{"return":{"pid":7}}`, nil
		}
		assert.JSONEq(t, `{"execute":"guest-exec-status","arguments":{"pid":7}}`, command)
		if looks++; looks < 3 {
			return `{"return":{"exited":false}}`, nil
		}
		long, err := json.Marshal(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("o", 100_000))))
		return `{"return":{"exited":true,"exitcode":3,"out-data":` + string(long) + `,"err-data":"ZQ=="}}`, err
	})
	result, err := agent.Exec(t.Context(), []string{"ls", "-l"})
	require.NoError(t, err)
	assert.Equal(t, Result{ExitCode: 3, Output: strings.Repeat("o", maxOutput) + "e"}, result)
}

func TestExecEndsWithItsTime(t *testing.T) {
	agent := New(func(command string, _ time.Duration) (string, error) {
		if strings.Contains(command, `"guest-exec"`) {
			return `{"return":{"pid":7}}`, nil
		}
		return `{"return":{"exited":false}}`, nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := agent.Exec(ctx, []string{"sleep"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = agent.Exec(t.Context(), nil)
	require.ErrorContains(t, err, "command: is needed")
}

func TestASignalCountsAsShellsCountIt(t *testing.T) {
	result, exited, err := answering(`{"return":{"exited":true,"signal":9}}`).result(7)
	require.NoError(t, err)
	assert.True(t, exited)
	assert.Equal(t, 137, result.ExitCode)
}
