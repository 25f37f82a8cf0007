// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirt"
	"libvirt.org/go/libvirtxml"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
)

const (
	// probeLimit is how long a probe may take to power itself off, from its start. It takes some 100 ms.
	probeLimit = 5 * time.Second
	// probeSlow is what is suspicious: there are machines whose KVM is slower than emulation.
	probeSlow = time.Second
)

// errNotStarted: libvirt refused to start a probe.
var errNotStarted = errors.New("does not start")

// ProbeKVM starts a guest under KVM from the image, through libvirt as any other guest, so that all that can
// be in the way is found: no device, no right to it, a host whose KVM runs no unmodified guest.
func (c *Conn) ProbeKVM(ctx context.Context, image string) (problem string, err error) {
	took, problem, err := c.probe(ctx, "kvm", image)
	if errors.Is(err, errNotStarted) {
		// Was it for want of KVM?
		if _, _, other := c.probe(ctx, "qemu", image); other != nil {
			return "", other
		}
		return err.Error(), nil
	}
	if err != nil || problem != "" || took < probeSlow {
		return problem, err
	}
	// On a busy machine everything is slow.
	emulated, problem, err := c.probe(ctx, "qemu", image)
	if err != nil || problem != "" || took < 2*emulated {
		return "", err
	}
	return fmt.Sprintf("a guest under KVM took %v for what an emulated one does in %v", took, emulated), nil
}

// probe starts a guest of the type and says how long it took until it was off, or what went wrong with it
// once it was started.
func (c *Conn) probe(ctx context.Context, domainType, image string) (took time.Duration, problem string, err error) {
	name := "virt-apiserver-probe-" + rand.Text()
	xml, err := probeDomain(domainType, name, image).Marshal()
	if err != nil {
		return 0, "", err
	}
	err = c.useSlow(func(conn *libvirt.Connect) error {
		ended, stop, err := watchEnd(conn, name)
		if err != nil {
			return err
		}
		defer stop()
		// A launcher that crashes leaves no probe: it ends with the connection.
		d, err := conn.DomainCreateXML(xml, libvirt.DOMAIN_START_AUTODESTROY)
		if err != nil {
			return notStarted(domainType, err)
		}
		defer d.Free()
		begin := time.Now()
		problem = awaitEnd(ctx, d, ended)
		took = time.Since(begin).Round(time.Millisecond)
		return nil
	})
	return took, problem, err
}

func notStarted(domainType string, err error) error {
	if translated := translate(err); errors.Is(translated, launcher.ErrUnavailable) {
		return translated
	}
	return fmt.Errorf("a guest of type %s %w: %s", domainType, errNotStarted, text(err))
}

// watchEnd returns a channel that tells how the domain of the name stopped.
func watchEnd(conn *libvirt.Connect, name string) (<-chan libvirt.DomainEventStoppedDetailType, func(), error) {
	ended := make(chan libvirt.DomainEventStoppedDetailType, 1)
	watch, err := conn.DomainEventLifecycleRegister(nil, func(_ *libvirt.Connect, d *libvirt.Domain, event *libvirt.DomainEventLifecycle) {
		if found, err := d.GetName(); err != nil || found != name || event.Event != libvirt.DOMAIN_EVENT_STOPPED {
			return
		}
		select {
		case ended <- libvirt.DomainEventStoppedDetailType(event.Detail):
		default:
		}
	})
	return ended, func() { _ = conn.DomainEventDeregister(watch) }, err
}

func awaitEnd(ctx context.Context, d *libvirt.Domain, ended <-chan libvirt.DomainEventStoppedDetailType) (problem string) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	select {
	case how := <-ended:
		if how == libvirt.DOMAIN_EVENT_STOPPED_SHUTDOWN {
			return ""
		}
		return "a guest that was started to try it crashed"
	case <-ctx.Done():
		_ = d.Destroy()
		return "a guest that was started to try it hung"
	}
}

func probeDomain(domainType, name, image string) *libvirtxml.Domain {
	var cpu *libvirtxml.DomainCPU
	if domainType == "kvm" {
		cpu = &libvirtxml.DomainCPU{Mode: "host-model"} // as most guests have
	}
	return &libvirtxml.Domain{
		Type:     domainType,
		Name:     name,
		Memory:   &libvirtxml.DomainMemory{Value: 32, Unit: "MiB"},
		OS:       &libvirtxml.DomainOS{Type: &libvirtxml.DomainOSType{Arch: "x86_64", Machine: "q35", Type: "hvm"}},
		Features: &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}},
		CPU:      cpu,
		Devices: &libvirtxml.DomainDeviceList{
			Disks: []libvirtxml.DomainDisk{{
				Device: "disk",
				Driver: &libvirtxml.DomainDiskDriver{Name: "qemu", Type: "raw"},
				Source: &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: image}},
				Target: &libvirtxml.DomainDiskTarget{Dev: "sda", Bus: "sata"},
			}},
			Controllers: []libvirtxml.DomainController{{Type: "usb", Index: ptr.To[uint](0), Model: "none"}},
			MemBalloon:  &libvirtxml.DomainMemBalloon{Model: "none"},
		},
	}
}
