// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// events are told, but do not count.
const events = "events"

// measureWrites is P2: how often etcd is written to from the create of a machine until it runs and all is
// quiet again. A request that loses against another writes nothing, so what counts is etcd's own revision.
func measureWrites(ctx context.Context, b *bench) ([]figure, error) {
	f, err := startFleet(ctx, b.options)
	if err != nil {
		return nil, err
	}
	defer f.close()
	var total samples
	byResource := map[string]samples{}
	for round := range b.rounds {
		revisions, requests, err := f.writesOf(ctx, fmt.Sprintf("p2-%d", round))
		if err != nil {
			return nil, err
		}
		total.add(revisions - requests[events])
		for resource, count := range requests {
			byResource[resource] = append(byResource[resource], count)
		}
	}
	figures := []figure{{what: "etcd writes, create → Running", unit: "writes", ours: total, stated: "KubeVirt 27", atMost: 6}}
	for _, resource := range slices.Sorted(maps.Keys(byResource)) {
		figures = append(figures, figure{what: "  requests, " + resource, unit: "writes", ours: byResource[resource]})
	}
	return figures, nil
}

// writesOf starts a machine and returns how many revisions of etcd that has made, and how many requests to
// write, by resource.
func (f *fleet) writesOf(ctx context.Context, name string) (revisions float64, requests map[string]float64, err error) {
	revisionBefore, before, err := f.quiet(ctx)
	if err != nil {
		return 0, nil, err
	}
	if _, err := f.start(ctx, name); err != nil {
		return 0, nil, err
	}
	revision, requests, err := f.quiet(ctx)
	if err != nil {
		return 0, nil, err
	}
	maps.DeleteFunc(requests, func(resource string, count float64) bool { return count == before[resource] })
	for resource := range requests {
		requests[resource] -= before[resource]
	}
	return revision - revisionBefore, requests, nil
}

// quiet returns etcd's revision and the requests so far, once there were none for three seconds.
func (f *fleet) quiet(ctx context.Context) (revision float64, last map[string]float64, err error) {
	err = wait.PollUntilContextTimeout(ctx, 3*time.Second, time.Minute, true, func(ctx context.Context) (bool, error) {
		now, err := f.writes(ctx)
		settled := maps.Equal(now, last)
		last = now
		return settled, err
	})
	if err != nil {
		return 0, nil, err
	}
	list, err := f.client.KubevirtV1().VirtualMachines(f.namespace).List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return 0, nil, err
	}
	revision, err = strconv.ParseFloat(list.ResourceVersion, 64)
	return revision, last, err
}
