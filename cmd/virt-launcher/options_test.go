// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCommandLineIsComplete(t *testing.T) {
	o, err := parse([]string{"--socket", "/run/a/s", "--state-dir", "/var/lib/a/", "--volume-root", "/v", "--volume-root", "/w/"}, nil)
	require.NoError(t, err)
	assert.Equal(t, "/var/lib/a", o.launcher.InstanceID, "two launchers on one node differ by themselves")
	assert.Equal(t, []string{"/v", "/w"}, o.launcher.VolumeRoots)
	assert.Equal(t, "qemu:///system", o.libvirtURI)
	assert.Regexp(t, `^/run/virt-apiserver/[0-9a-f]{8}$`, o.launcher.RuntimeDir)
}

func TestWrongCommandLineIsRefused(t *testing.T) {
	for want, args := range map[string]string{
		"--socket and --state-dir are needed": "--socket s",
		`"extra" is no flag`:                  "--socket s --state-dir d extra",
		"--max-domains":                       "--socket s --state-dir d --max-domains 0",
		"not defined":                         "--nonsense",
	} {
		_, err := parse(strings.Fields(args), nil)
		require.ErrorContains(t, err, want)
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	var out bytes.Buffer
	_, err := parse([]string{"--help"}, &out)
	require.ErrorIs(t, err, flag.ErrHelp)
	for _, name := range []string{"socket", "state-dir", "volume-root", "instance-id", "libvirt-uri", "runtime-dir", "max-domains", "version"} {
		assert.Contains(t, out.String(), "--"+name)
	}
	assert.Contains(t, out.String(), "Example:")
}

func TestVersionIsPrinted(t *testing.T) {
	var out bytes.Buffer
	_, err := parse([]string{"--version"}, &out)
	require.ErrorIs(t, err, errVersion)
	assert.Regexp(t, `^v\d`, out.String())
}
