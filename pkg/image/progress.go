// SPDX-License-Identifier: Apache-2.0

package image

import (
	"sync"
	"time"
)

const progressInterval = 500 * time.Millisecond

// report calls progress with what current returns, at intervals and once more
// when the returned function is called.
func report(progress func(Progress), current func() Progress) (stop func()) {
	if progress == nil {
		return func() {}
	}
	done := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() {
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				progress(current())
			case <-done:
				progress(current())
				return
			}
		}
	})
	return func() {
		close(done)
		reporter.Wait()
	}
}
