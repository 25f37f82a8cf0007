// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/util/wait"
)

// AssertStays looks for a while whether something stays so. It has ended all that it began when it returns, where
// assert.Never leaves its last look to go on beside the end of the test.
func AssertStays(t *testing.T, duration time.Duration, stays func() bool, message string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), time.Second, duration, true, func(context.Context) (bool, error) {
		return !stays(), nil
	})
	assert.ErrorIs(t, err, context.DeadlineExceeded, message)
}
