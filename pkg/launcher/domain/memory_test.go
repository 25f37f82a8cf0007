// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// running is what libvirt tells of a guest of 1 GiB that was asked to take 512 MiB more, and took 256.
const running = `<domain type="qemu">
  <memory unit="KiB">1572864</memory>
  <currentMemory unit="KiB">1310720</currentMemory>
  <vcpu placement="static" current="3">4</vcpu>
  <cpu><numa><cell id="0" cpus="0-3" memory="1048576" unit="KiB"/></numa></cpu>
  <devices>
    <memory model="virtio-mem"><target>
      <size unit="KiB">3145728</size><requested unit="KiB">524288</requested><current unit="KiB">262144</current>
    </target></memory>
  </devices>
</domain>`

func TestFactsTellWhatMemoryTheGuestHasTaken(t *testing.T) {
	facts, err := ParseFacts(running)
	require.NoError(t, err)
	assert.EqualValues(t, 3, facts.VCPUs)
	assert.Equal(t, Memory{AtBoot: 1 << 30, Requested: 1<<30 + 512<<20, Current: 1<<30 + 256<<20, Pluggable: 3 << 30}, facts.Memory)
}

func TestMemoryOfARunningGuestHasBounds(t *testing.T) {
	fixed := `<domain><memory unit="KiB">1048576</memory></domain>`
	for name, test := range map[string]struct {
		domain  string
		wanted  int64
		refused string
	}{
		"all":          {running, 4 << 30, ""},
		"as at boot":   {running, 1 << 30, ""},
		"more":         {running, 4<<30 + 2<<20, "can be from 1073741824 to 4294967296 bytes"},
		"less":         {running, 1<<30 - 2<<20, "can be from"},
		"half a block": {running, 1<<30 + 1<<20, "in steps of 2 MiB"},
		"fixed":        {fixed, 2 << 30, "can't be changed while it runs"},
	} {
		t.Run(name, func(t *testing.T) {
			device, err := MemoryDevice(test.domain, test.wanted)
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
				return
			}
			require.NoError(t, err)
			assert.Contains(t, device, fmt.Sprintf(`<requested unit="b">%d</requested>`, test.wanted-1<<30))
		})
	}
}
