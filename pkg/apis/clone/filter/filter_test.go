// SPDX-License-Identifier: Apache-2.0

package filter_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/filter"
)

func TestFiltersThatAreWrongAreRefused(t *testing.T) {
	for text, words := range map[string]string{
		"!":         "a filter is",
		"a!b":       "negation character",
		"a*b":       "wildcard character",
		"(":         "missing closing",
		"(a{1001})": "invalid repeat count",
		// 64 bytes that are seventy thousand instructions.
		strings.Repeat(".{1000}", 9): "too large an expression",
		"(.{31}){31}.{500}":          "too large an expression",
	} {
		assert.ErrorContains(t, filter.Check(text), words, text)
	}
	for _, text := range []string{"*", "!note", "team/*", "[a-z]+", "^kubevirt.io/.{1,63}$"} {
		assert.NoError(t, filter.Check(text), text)
	}
}

func keys(count int) map[string]string {
	made := map[string]string{}
	for i := range count {
		made[fmt.Sprintf("example.com/a-rather-long-key-%d", i)] = ""
	}
	return made
}

func TestWhatWouldTakeLongIsRefused(t *testing.T) {
	filters := []string{".{500}", "!.{400}"}
	got, err := filter.Apply(t.Context(), keys(100), filters)
	require.NoError(t, err)
	assert.Empty(t, got)
	_, err = filter.Apply(t.Context(), keys(1000), filters)
	assert.ErrorContains(t, err, "too many for these filters")
	got, err = filter.Apply(t.Context(), keys(10_000), []string{"*", "!-[0-8]"})
	require.NoError(t, err)
	assert.Equal(t, 1111, len(got))
}

func TestARequestThatEndedIsNotWorkedOn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := filter.Apply(ctx, keys(1), []string{"*"})
	assert.ErrorIs(t, err, context.Canceled)
}
