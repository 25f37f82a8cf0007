// SPDX-License-Identifier: Apache-2.0

package failure_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

func TestFromFindsTheReason(t *testing.T) {
	t.Parallel()
	typed := failure.Permanent(failure.NotAnImage, "no image: %w", io.ErrUnexpectedEOF)
	require.Same(t, typed, failure.From(fmt.Errorf("import: %w", typed)))
	require.ErrorIs(t, typed, io.ErrUnexpectedEOF)
	require.Nil(t, failure.From(nil))
	require.Equal(t, failure.Aborted, failure.From(fmt.Errorf("read: %w", context.Canceled)).Reason)
	other := failure.From(errors.New("anything"))
	require.Equal(t, failure.ImportFailed, other.Reason)
	require.False(t, other.Permanent)
}

func TestFromWriteTellsAFullDisk(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]failure.Error{
		syscall.ENOSPC: {Reason: failure.NoSpace},
		syscall.EDQUOT: {Reason: failure.NoSpace},
		syscall.EFBIG:  {Reason: failure.NoSpace, Permanent: true},
		syscall.EIO:    {Reason: failure.WriteFailed},
	} {
		got := failure.FromWrite(fmt.Errorf("write: %w", err))
		require.Equal(t, want.Reason, got.Reason)
		require.Equal(t, want.Permanent, got.Permanent)
		require.ErrorIs(t, got, err)
	}
}

func TestMessagesAreBoundedAndSurviveTheWire(t *testing.T) {
	t.Parallel()
	long := failure.Transient(failure.ServerError, "%s", strings.Repeat("é", 5000))
	require.LessOrEqual(t, len(long.Message), 1100)
	b, err := json.Marshal(long)
	require.NoError(t, err)
	var back failure.Error
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, long.Message, back.Message)
}

func TestWhatHappenedOnTheWayIsToldFromWhatArrived(t *testing.T) {
	for _, reason := range []string{failure.ConnectionFailed, failure.NotFound, failure.AddressRefused, failure.Truncated} {
		require.True(t, failure.Transient(reason, "m").InTransit(), reason)
	}
	for _, reason := range []string{failure.NotAnImage, failure.NoSpace, failure.ChecksumError} {
		require.False(t, failure.Permanent(reason, "m").InTransit(), reason)
	}
}
