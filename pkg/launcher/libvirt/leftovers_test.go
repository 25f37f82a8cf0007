// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyFilesOfDisksThatAreGoneAreClosed(t *testing.T) {
	const domain = `<domain><devices>
		<disk><source file='/a' index='1'/><backingStore><source file='/b' index='4'/></backingStore></disk>
		<controller type='scsi' index='3'/>
	</devices></domain>`
	const answer = `{"return":[
		{"node-name":"libvirt-3-storage"}, {"node-name":"libvirt-3-format"}, {"node-name":"libvirt-4-format"}, {"node-name":"libvirt-1-format"},
		{"node-name":"libvirt-1-storage"}, {"node-name":"libvirt-pflash0-format"}, {"node-name":"#block123"}, {"node-name":"libvirt-3-format-x"}]}`
	left, err := leftOf(answer, domain)
	require.NoError(t, err)
	assert.Equal(t, []string{"libvirt-3-format", "libvirt-3-storage"}, left)

	_, err = leftOf(`{"return":`, domain)
	assert.Error(t, err)
}
