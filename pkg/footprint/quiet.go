// SPDX-License-Identifier: Apache-2.0

package footprint

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// startTime is more than a start takes.
	startTime = 10 * time.Second
	// quiet is how long nothing happens before memory is given back.
	quiet = 5 * time.Second
)

// Run keeps the process small until ctx ends: it gives back what only the start needed, see Trim, and later what busy
// times have left.
func Run(ctx context.Context, also func(path string) bool) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(startTime):
	}
	if err := Trim(also); err != nil {
		return err
	}
	giveBackWhenQuiet(ctx, quiet)
	return nil
}

// worthwhile is the free memory, in bytes, for which a collection is not too dear.
const worthwhile = 4 << 20

// giveBackWhenQuiet returns free memory to the system, until ctx ends, each time that the process has been
// quiet for an interval: Go by itself keeps what the busiest time needed, and then some, for long.
func giveBackWhenQuiet(ctx context.Context, interval time.Duration) {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	var before uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		collections, free := readHeap()
		if collections == before && free >= worthwhile {
			debug.FreeOSMemory()
			collections, _ = readHeap()
		}
		before = collections
	}
}

// readHeap returns how often garbage was collected, which tells whether the process is quiet, and how many bytes are
// free and not returned.
func readHeap() (collections, free uint64) {
	samples := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}
