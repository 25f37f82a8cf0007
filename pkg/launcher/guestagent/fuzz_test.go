// SPDX-License-Identifier: Apache-2.0

package guestagent

import (
	"testing"
	"unicode/utf8"
)

// FuzzAnswers gives each question any answer: none may panic, and what comes of one keeps to the limits.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"return":null}`, `{"return":{}}`, `{"return":[]}`, `{"return":[null,{}]}`, `{"return":"frozen"}`, `{"return":3}`,
		`{"return":{"version":"7.2","supported_commands":[{"name":"guest-ping","enabled":true}]}}`,
		`{"return":[{"name":"eth0","hardware-address":"52:54:00:00:00:01","ip-addresses":[{"ip-address":"fe80::1%1"}]}]}`,
		`{"return":[{"name":"vda","used-bytes":-1,"total-bytes":1e400,"disk":[{"bus-type":"\ud800"}]}]}`,
		`{"return":{"exited":true,"exitcode":-1,"out-data":"!","err-data":"ZQ=="}}`,
		`{"return":[{"user":"\u0000","login-time":1e308}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		agent := answering(answer)
		info, _ := agent.Info()
		check(t, len(info.Commands), info.Version)
		os, _ := agent.OS()
		check(t, 0, os.ID, os.Name, os.PrettyName, os.Version, os.VersionID, os.Machine, os.KernelRelease, os.KernelVersion)
		name, _ := agent.Hostname()
		check(t, 0, name)
		_, _ = agent.Timezone()
		users, _ := agent.Users()
		check(t, len(users))
		systems, _ := agent.FileSystems()
		for _, system := range systems {
			check(t, len(system.Disk), system.DiskName, system.MountPoint, system.FileSystemType)
		}
		interfaces, _ := agent.Interfaces()
		for _, found := range interfaces {
			check(t, len(found.IPs), append(found.IPs, found.Name, found.MAC)...)
		}
		_, _ = agent.Frozen()
		result, _, _ := agent.result(1)
		if len(result.Output) > 2*maxOutput || !utf8.ValidString(result.Output) {
			t.Fatalf("output: %d bytes", len(result.Output))
		}
	})
}

func check(t *testing.T, items int, texts ...string) {
	t.Helper()
	if items > maxItems {
		t.Fatalf("%d items", items)
	}
	for _, s := range texts {
		if len(s) > maxText || !utf8.ValidString(s) {
			t.Fatalf("a text of %d bytes: %q", len(s), s)
		}
	}
}
