// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
)

// growth is what P4 collects, in MiB for each machine.
type growth struct{ ours, server, launcher, libvirtd, virtlogd samples }

// census is the memory of all that is not QEMU.
type census struct{ server, launcher, libvirtd, virtlogd memory }

// measurePerMachine is P4: how much the processes that are not QEMU grow for each machine that runs.
func measurePerMachine(ctx context.Context, b *bench) ([]figure, error) {
	var g growth
	for range b.rounds {
		if err := g.round(ctx, b.options); err != nil {
			return nil, err
		}
	}
	return []figure{
		{what: fmt.Sprintf("PSS for each of %d machines, ours", b.options.machines), unit: "MiB", ours: g.ours, stated: "KubeVirt 190", atMost: 5},
		{what: "  server", unit: "MiB", ours: g.server},
		{what: "  launcher", unit: "MiB", ours: g.launcher},
		{what: "besides: libvirtd", unit: "MiB", ours: g.libvirtd},
		{what: "besides: virtlogd", unit: "MiB", ours: g.virtlogd},
	}, nil
}

func (g *growth) round(ctx context.Context, o options) error {
	f, err := startFleet(ctx, o)
	if err != nil {
		return err
	}
	defer f.close()
	before, err := f.census(ctx)
	if err != nil {
		return err
	}
	var names []string
	for i := range o.machines {
		names = append(names, fmt.Sprintf("p4-%d", i))
	}
	if _, err := f.start(ctx, names...); err != nil {
		return err
	}
	after, err := f.census(ctx)
	if err != nil {
		return err
	}
	each := func(before, after memory) float64 { return (after.pss - before.pss) / 1024 / float64(o.machines) }
	g.server.add(each(before.server, after.server))
	g.launcher.add(each(before.launcher, after.launcher))
	g.libvirtd.add(each(before.libvirtd, after.libvirtd))
	g.virtlogd.add(each(before.virtlogd, after.virtlogd))
	g.ours.add(each(before.server.plus(before.launcher), after.server.plus(after.launcher)))
	return nil
}

func (f *fleet) census(ctx context.Context) (c census, err error) {
	if _, c.server, err = f.settled(ctx); err != nil {
		return c, err
	}
	if c.launcher, err = f.launcher.memory(); err != nil {
		return c, err
	}
	if c.libvirtd, err = libvirtDaemon().memory(); err != nil {
		return c, fmt.Errorf("libvirt's memory: %w", err)
	}
	if c.virtlogd, err = logDaemon().memory(); err != nil {
		return c, fmt.Errorf("virtlogd's memory: %w", err)
	}
	return c, nil
}
