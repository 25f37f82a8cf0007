// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// measureMany is P5: from the first create of many machines until the last one runs, against as many
// `virsh start` of the same domain at once.
func measureMany(ctx context.Context, b *bench) ([]figure, error) {
	f, err := startFleet(ctx, b.options)
	if err != nil {
		return nil, err
	}
	defer f.close()
	pattern, err := newTwins(ctx, f)
	if err != nil {
		return nil, err
	}
	if err := f.remove(ctx, warm); err != nil {
		return nil, err
	}
	var running, ready, bare samples
	for round := range b.rounds {
		ours := func() error { return f.startMany(ctx, b.options.many, &running, &ready) }
		theirs := func() error { return pattern.startMany(ctx, b.options.many, &bare) }
		if err := inTurns(round, ours, theirs); err != nil {
			return nil, err
		}
	}
	return []figure{
		{what: fmt.Sprintf("%d machines, create → Running, %s", b.options.many, pattern.accelerator()), unit: "ms",
			ours: running, baseline: bare, atMost: 1.2},
		{what: "create → all Ready", unit: "ms", ours: ready, baseline: bare},
	}, nil
}

func (f *fleet) startMany(ctx context.Context, n int, running, ready *samples) error {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("p5-%d", i))
	}
	courses, err := f.start(ctx, names...)
	if err != nil {
		return err
	}
	var last course
	for _, c := range courses {
		last.running, last.ready = max(last.running, c.running), max(last.ready, c.ready)
	}
	running.addTime(last.running)
	ready.addTime(last.ready)
	return f.clear(ctx)
}

// startMany defines domains and then starts them, all at once.
func (t *twins) startMany(ctx context.Context, n int, took *samples) error {
	var names []string
	for range n {
		w, err := t.next()
		if err != nil {
			return err
		}
		if _, _, err := virsh(ctx, "define", w.file); err != nil {
			return err
		}
		names = append(names, w.name)
	}
	began := time.Now()
	starts, startCtx := errgroup.WithContext(ctx)
	for _, name := range names {
		starts.Go(func() error {
			_, _, err := virsh(startCtx, "start", name)
			return err
		})
	}
	if err := starts.Wait(); err != nil {
		return err
	}
	took.addTime(time.Since(began))
	removeDomains(ctx, t.name+"-")
	return nil
}
