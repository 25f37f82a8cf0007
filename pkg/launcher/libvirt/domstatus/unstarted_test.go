// SPDX-License-Identifier: Apache-2.0

package domstatus_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/libvirt/domstatus"
)

func TestDomainsThatHaveAProcessAreRemembered(t *testing.T) {
	dir := t.TempDir()
	const head = "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->\n\n"
	for name, text := range map[string]string{
		"unstarted.xml": head + "<domstatus state='paused' reason='starting up' pid='0'><domain/></domstatus>",
		"running.xml":   head + "<domstatus state='running' reason='booted' pid='4711'><domain/></domstatus>",
		"other.xml":     "<domain pid='0'/>",
		"torn.xml":      head,
		"running.pid":   "4711",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	assert.ErrorContains(t, domstatus.ForgetUnstarted(dir), "torn.xml")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var left []string
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	assert.Equal(t, []string{"other.xml", "running.pid", "running.xml", "torn.xml"}, left)
	assert.NoError(t, domstatus.ForgetUnstarted(filepath.Join(dir, "missing")))
}
