// SPDX-License-Identifier: Apache-2.0

package pace_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/pace"
)

// drip brings size bytes every so often.
type drip struct {
	size  int
	every time.Duration
}

func (d drip) Read([]byte) (int, error) {
	time.Sleep(d.every)
	return d.size, nil
}

// take reads until that fails or an hour is over.
func take(r io.Reader, between time.Duration) (time.Duration, error) {
	begin, buffer := time.Now(), make([]byte, 1<<20)
	for time.Since(begin) < time.Hour {
		if _, err := r.Read(buffer); err != nil {
			return time.Since(begin), err
		}
		time.Sleep(between)
	}
	return time.Since(begin), nil
}

func TestASourceThatDripsIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		after, err := take(pace.NewMeter(pace.Rate{}).Reader(drip{1, 10 * time.Second}), 0)
		typed, ok := errors.AsType[*failure.Error](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, failure.Stalled, typed.Reason)
		assert.False(t, typed.Permanent, "it may be faster the next time")
		assert.Equal(t, time.Minute, after)
		assert.Equal(t, "only 6 bytes arrived in 1m0s: check the server and the network", typed.Message)
	})
}

func TestASourceThatWasFastIsEndedWhenItIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meter := pace.NewMeter(pace.Rate{})
		for range 100 {
			require.NoError(t, meter.Add(time.Second, 1<<20))
		}
		_, err := take(meter.Reader(drip{100, time.Second}), 0)
		require.Error(t, err)
	})
}

func TestASlowLinkIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := take(pace.NewMeter(pace.Rate{}).Reader(drip{2000, 100 * time.Millisecond}), 0)
		require.NoError(t, err, "20 kB in a second")
	})
}

func TestTheReadersOwnTimeDoesNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := take(pace.NewMeter(pace.Rate{}).Reader(drip{64 << 10, time.Millisecond}), 30*time.Second)
		require.NoError(t, err, "our disk is slow, not the source")
	})
}
