// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"
)

// samples are the values of one figure, one for each round.
type samples []float64

func (s *samples) add(value float64) { *s = append(*s, value) }

// addTime adds milliseconds.
func (s *samples) addTime(d time.Duration) { s.add(float64(d) / float64(time.Millisecond)) }

func (s samples) median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// over returns the ratios of rounds.
func (s samples) over(baseline samples) samples {
	var ratios samples
	for i := range min(len(s), len(baseline)) {
		if baseline[i] != 0 {
			ratios.add(s[i] / baseline[i])
		}
	}
	return ratios
}

// String is the median, and from where to where the values go.
func (s samples) String() string {
	switch len(s) {
	case 0:
		return "-"
	case 1:
		return number(s[0])
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.median()), number(slices.Min(s)), number(slices.Max(s)))
}

// number has three digits that count.
func number(value float64) string {
	switch size := max(value, -value); {
	case size >= 100:
		return fmt.Sprintf("%.0f", value)
	case size >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.2f", value)
}
