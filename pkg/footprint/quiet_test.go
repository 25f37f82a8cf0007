// SPDX-License-Identifier: Apache-2.0

package footprint

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAQuietProcessGivesFreeMemoryBack(t *testing.T) {
	load := make([][]byte, 64)
	for i := range load {
		load[i] = make([]byte, 1<<20)
	}
	runtime.KeepAlive(load)
	load = nil
	runtime.GC()
	_, free := readHeap()
	require.Greater(t, free, uint64(32<<20), "there is nothing to give back")

	go giveBackWhenQuiet(t.Context(), 10*time.Millisecond)
	require.Eventually(t, func() bool {
		_, free := readHeap()
		return free < worthwhile
	}, time.Minute, 10*time.Millisecond)
}
