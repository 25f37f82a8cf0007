// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/yaml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

//go:embed machine.yaml
var machineManifest []byte

// warm is the machine that every server starts first: only then does it know of KVM.
const warm = "warm"

// fleet is a server and the machines that are started on it, in a namespace whose name no other server has.
type fleet struct {
	*server
	namespace string
}

// startFleet returns a server that has run a machine once already; the machine still runs.
// The caller closes it.
func startFleet(ctx context.Context, o options) (*fleet, error) {
	s, err := startServer(ctx, o)
	if err != nil {
		return nil, err
	}
	f := &fleet{server: s, namespace: "bench-" + randomName()}
	if err := f.prepare(ctx); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *fleet) prepare(ctx context.Context) error {
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, f.namespace)
	if err := f.rest().Post().AbsPath("/api/v1/namespaces").Body([]byte(body)).Do(ctx).Error(); err != nil {
		return fmt.Errorf("create the namespace: %w", err)
	}
	if _, err := f.start(ctx, warm); err != nil {
		return fmt.Errorf("start the first machine: %w", err)
	}
	return nil
}

// close deletes the machines, ends the server and removes what is left of both.
func (f *fleet) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if f.client != nil {
		_ = f.clear(ctx)
	}
	f.server.close()
	removeDomains(ctx, f.namespace+"_")
}

// clear deletes all machines and waits until they are gone.
func (f *fleet) clear(ctx context.Context) error {
	vms := f.client.KubevirtV1().VirtualMachines(f.namespace)
	vmis := f.client.KubevirtV1().VirtualMachineInstances(f.namespace)
	if err := vms.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		return fmt.Errorf("delete the machines: %w", err)
	}
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		machines, err := vms.List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		instances, err := vmis.List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		return len(machines.Items)+len(instances.Items) == 0, nil
	})
}

// remove deletes one machine and waits until it is gone.
func (f *fleet) remove(ctx context.Context, name string) error {
	vmis := f.client.KubevirtV1().VirtualMachineInstances(f.namespace)
	if err := f.client.KubevirtV1().VirtualMachines(f.namespace).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete the machine: %w", err)
	}
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		instances, err := vmis.List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
		return err == nil && len(instances.Items) == 0, err
	})
}

// course is how long after the first create a machine got so far.
type course struct{ instance, scheduled, running, ready time.Duration }

// start creates machines, all at once, and watches until every one is ready.
func (f *fleet) start(ctx context.Context, names ...string) (map[string]*course, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	vms, err := f.client.KubevirtV1().VirtualMachines(f.namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	defer vms.Stop()
	vmis, err := f.client.KubevirtV1().VirtualMachineInstances(f.namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	defer vmis.Stop()
	courses := map[string]*course{}
	for _, name := range names {
		courses[name] = &course{}
	}
	began := time.Now()
	creates, createCtx := errgroup.WithContext(ctx)
	for _, name := range names {
		creates.Go(func() error { return f.create(createCtx, name) })
	}
	return courses, errors.Join(follow(ctx, began, courses, vms, vmis), creates.Wait())
}

func (f *fleet) create(ctx context.Context, name string) error {
	vm := &kubevirtv1.VirtualMachine{}
	if err := yaml.UnmarshalStrict(machineManifest, vm); err != nil {
		return err
	}
	vm.Name = name
	_, err := f.client.KubevirtV1().VirtualMachines(f.namespace).Create(ctx, vm, metav1.CreateOptions{})
	return err
}

// follow notes how far machines get, until all are ready.
func follow(ctx context.Context, began time.Time, courses map[string]*course, vms, vmis watch.Interface) error {
	for remaining := len(courses); remaining > 0; {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d machines are not ready: %w", remaining, ctx.Err())
		case event := <-vmis.ResultChan():
			if vmi, ok := event.Object.(*kubevirtv1.VirtualMachineInstance); ok && courses[vmi.Name] != nil {
				courses[vmi.Name].note(vmi.Status.Phase, time.Since(began))
			}
		case event := <-vms.ResultChan():
			vm, ok := event.Object.(*kubevirtv1.VirtualMachine)
			if !ok || courses[vm.Name] == nil || !vm.Status.Ready || courses[vm.Name].ready > 0 {
				continue
			}
			courses[vm.Name].ready = time.Since(began)
			remaining--
		}
	}
	return nil
}

func (c *course) note(phase kubevirtv1.VirtualMachineInstancePhase, at time.Duration) {
	first := func(d *time.Duration) {
		if *d == 0 {
			*d = at
		}
	}
	first(&c.instance)
	switch phase {
	case kubevirtv1.Scheduled:
		first(&c.scheduled)
	case kubevirtv1.Running:
		first(&c.running)
	}
}
