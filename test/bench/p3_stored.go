// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

//go:embed stored.yaml
var storedManifest []byte

const (
	storedSize = 2 << 10
	writers    = 8
	megabyte   = 1000 / 1.024 // in KiB
	// idling is how long a server that nobody uses has run when its memory is looked at: pages that it gave
	// back once it had started, and that it needs after all, are there again.
	idling = time.Minute
	// settling is how long a server is left alone until its memory is looked at.
	settling = 15 * time.Second
)

// footprints is what P3 collects.
type footprints struct {
	rss, pss, anonymous, file, launcher, used samples
	heapEach, anonymousEach, pssEach          samples
}

// measureStored is P3: the memory of a server with nothing in it, and how much it grows for each machine
// that is stored and does not run.
func measureStored(ctx context.Context, b *bench) ([]figure, error) {
	var p footprints
	for range b.rounds {
		if err := p.round(ctx, b.options); err != nil {
			return nil, err
		}
	}
	each := fmt.Sprintf(" of %d, 2 KiB of JSON", b.options.stored)
	return []figure{
		{what: "idle, server and launcher, RSS", unit: "MB", ours: p.rss, stated: "KubeVirt 2500", atMost: 100},
		{what: "idle, server and launcher, PSS", unit: "MB", ours: p.pss, stated: "KubeVirt 2500", atMost: 100},
		{what: "  of which anonymous", unit: "MB", ours: p.anonymous},
		{what: "  of which of files", unit: "MB", ours: p.file},
		{what: "  of which the launcher", unit: "MB", ours: p.launcher},
		{what: "server alone, after its first requests, RSS", unit: "MB", ours: p.used},
		{what: "PSS for each stored machine" + each, unit: "kB", ours: p.pssEach, stated: "KubeVirt 177", atMost: 20},
		{what: "  of which anonymous", unit: "kB", ours: p.anonymousEach},
		{what: "live heap for each stored machine", unit: "kB", ours: p.heapEach},
	}, nil
}

func (p *footprints) round(ctx context.Context, o options) error {
	s, err := startServer(ctx, o)
	if err != nil {
		return err
	}
	defer s.close()
	if err := pause(ctx, idling); err != nil {
		return err
	}
	if err := p.idle(s); err != nil {
		return err
	}
	// One machine first: what is only made once is not to be counted for each.
	if err := s.store(ctx, "first", 1); err != nil {
		return err
	}
	heapBefore, before, err := s.settled(ctx)
	if err != nil {
		return err
	}
	if err := s.profile(ctx, o.profiles, "before"); err != nil {
		return err
	}
	p.used.add(before.rss / megabyte)
	if err := s.store(ctx, "stored", o.stored); err != nil {
		return err
	}
	heapAfter, after, err := s.settled(ctx)
	if err != nil {
		return err
	}
	if err := s.profile(ctx, o.profiles, "after"); err != nil {
		return err
	}
	n := float64(o.stored)
	p.heapEach.add((heapAfter - heapBefore) / n / 1000)
	p.anonymousEach.add((after.anonymous - before.anonymous) * 1.024 / n)
	p.pssEach.add((after.pss - before.pss) * 1.024 / n)
	return nil
}

func (p *footprints) idle(s *server) error {
	server, err := s.process().memory()
	if err != nil {
		return err
	}
	launcher, err := s.launcher.memory()
	if err != nil {
		return err
	}
	total := server.plus(launcher)
	p.rss.add(total.rss / megabyte)
	p.pss.add(total.pss / megabyte)
	p.anonymous.add(total.anonymous / megabyte)
	p.file.add(total.file / megabyte)
	p.launcher.add(launcher.pss / megabyte)
	return nil
}

// settled returns the server's live heap in bytes and its memory, both after collections and a rest.
func (s *server) settled(ctx context.Context) (float64, memory, error) {
	if _, err := s.heap(ctx); err != nil {
		return 0, memory{}, err
	}
	if err := pause(ctx, settling); err != nil {
		return 0, memory{}, err
	}
	heap, err := s.heap(ctx)
	if err != nil {
		return 0, memory{}, err
	}
	m, err := s.process().memory()
	return heap, m, err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// store creates n machines that do not run, no two alike.
func (s *server) store(ctx context.Context, prefix string, n int) error {
	vms := s.client.KubevirtV1().VirtualMachines(metav1.NamespaceDefault)
	creates, ctx := errgroup.WithContext(ctx)
	creates.SetLimit(writers)
	for i := range n {
		creates.Go(func() error {
			vm, err := storedMachine(fmt.Sprintf("%s-%d", prefix, i))
			if err != nil {
				return err
			}
			_, err = vms.Create(ctx, vm, metav1.CreateOptions{})
			return err
		})
	}
	return creates.Wait()
}

// storedMachine is storedSize long as JSON.
func storedMachine(name string) (*kubevirtv1.VirtualMachine, error) {
	vm := &kubevirtv1.VirtualMachine{}
	if err := yaml.UnmarshalStrict(storedManifest, vm); err != nil {
		return nil, err
	}
	vm.Name = name
	raw, err := json.Marshal(vm)
	if err != nil {
		return nil, err
	}
	filler := make([]byte, (storedSize-len(raw))/2)
	for i := range filler {
		filler[i] = byte(rand.Uint32())
	}
	vm.Spec.Template.Spec.Volumes[1].CloudInitNoCloud.UserData = ptr.To("#" + hex.EncodeToString(filler))
	return vm, nil
}
