// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"
)

// starts is what P1 collects.
type starts struct {
	instance, scheduled, running, ready, bare samples
	ourCPU, bareCPU                           samples
	libvirtCPU, bareLibvirtCPU                samples
}

// measureStart is P1: from the create of a machine until its client sees it run, against `virsh create` of
// the same domain until the command returns.
func measureStart(ctx context.Context, b *bench) ([]figure, error) {
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
	var s starts
	for round := range b.rounds {
		ours := func() error { return s.machine(ctx, f, fmt.Sprintf("p1-%d", round)) }
		bare := func() error { return s.domain(ctx, pattern) }
		if err := inTurns(round, ours, bare); err != nil {
			return nil, err
		}
	}
	return []figure{
		{what: "create → Running, " + pattern.accelerator(), unit: "ms", ours: s.running, baseline: s.bare, atMost: 1.3},
		{what: "  until the instance is seen", unit: "ms", ours: s.instance},
		{what: "  until it is Scheduled", unit: "ms", ours: s.scheduled},
		{what: "create → machine Ready", unit: "ms", ours: s.ready, baseline: s.bare},
		{what: "CPU, server and launcher / virsh", unit: "ms", ours: s.ourCPU, baseline: s.bareCPU},
		{what: "CPU of libvirtd", unit: "ms", ours: s.libvirtCPU, baseline: s.bareLibvirtCPU},
	}, nil
}

// inTurns runs both, and the other one first in every other round.
func inTurns(round int, ours, bare func() error) error {
	if round%2 == 1 {
		ours, bare = bare, ours
	}
	if err := ours(); err != nil {
		return err
	}
	return bare()
}

func (s *starts) machine(ctx context.Context, f *fleet, name string) error {
	libvirt := libvirtDaemon()
	ours := func() time.Duration { return f.process().cpu() + f.launcher.cpu() }
	oursBefore, libvirtBefore := ours(), libvirt.cpu()
	courses, err := f.start(ctx, name)
	if err != nil {
		return err
	}
	s.ourCPU.addTime(ours() - oursBefore)
	s.libvirtCPU.addTime(libvirt.cpu() - libvirtBefore)
	c := courses[name]
	s.instance.addTime(c.instance)
	s.scheduled.addTime(c.scheduled)
	s.running.addTime(c.running)
	s.ready.addTime(c.ready)
	return f.remove(ctx, name)
}

func (s *starts) domain(ctx context.Context, pattern *twins) error {
	w, err := pattern.next()
	if err != nil {
		return err
	}
	libvirt := libvirtDaemon()
	before, began := libvirt.cpu(), time.Now()
	_, cpu, err := virsh(ctx, "create", w.file)
	if err != nil {
		return err
	}
	s.bare.addTime(time.Since(began))
	s.bareCPU.addTime(cpu)
	s.bareLibvirtCPU.addTime(libvirt.cpu() - before)
	_, _, err = virsh(ctx, "destroy", w.name)
	return err
}
