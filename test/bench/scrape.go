// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// write is a line of the metrics that counts requests to etcd that change something.
var write = regexp.MustCompile(
	`(?m)^etcd_request_duration_seconds_count\{.*operation="(?:create|update|delete)".*resource="([a-z]+)".*\} (\S+)$`)

// writes counts, for each resource, what was written to etcd since the server began.
func (s *server) writes(ctx context.Context) (map[string]float64, error) {
	raw, err := s.get(ctx, "/metrics")
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	counts := map[string]float64{}
	for _, found := range write.FindAllStringSubmatch(string(raw), -1) {
		count, err := strconv.ParseFloat(found[2], 64)
		if err != nil {
			return nil, fmt.Errorf("read metrics: %w", err)
		}
		counts[found[1]] += count
	}
	if len(counts) == 0 {
		return nil, errors.New("the metrics do not have etcd_request_duration_seconds")
	}
	return counts, nil
}

// heap returns the bytes of the server's heap that are in use, after a collection.
func (s *server) heap(ctx context.Context) (float64, error) {
	raw, err := s.get(ctx, "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return 0, fmt.Errorf("read the heap profile: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		if text, ok := strings.CutPrefix(line, "# HeapAlloc = "); ok {
			var bytes float64
			_, err := fmt.Sscan(text, &bytes)
			return bytes, err
		}
	}
	return 0, errors.New("the heap profile does not tell the size of the heap")
}

// profile keeps the server's heap profile in a directory, for go tool pprof; "" keeps none.
func (s *server) profile(ctx context.Context, dir, name string) error {
	if dir == "" {
		return nil
	}
	raw, err := s.get(ctx, "/debug/pprof/heap")
	if err != nil {
		return fmt.Errorf("read the heap profile: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, name+".pb.gz"), raw, 0o644)
}
