// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/statedir"
)

const (
	probeImage  = "kvm-probe.img"
	probeResult = "kvm-probe.json"
	kvmDevice   = "/dev/kvm"
)

// KVMProber finds out whether guests run under KVM here.
type KVMProber interface {
	// ProbeKVM starts a guest under KVM from the image and waits, for some seconds at most, until it powers
	// itself off. problem says why it did not, or not in good time; it is empty where KVM is usable. An error
	// means that no guest can be started, under KVM or not.
	ProbeKVM(ctx context.Context, image string) (problem string, err error)
}

// accelerator knows whether KVM is usable. That the device is there proves nothing: within some virtual
// machines it is, and guests hang. So a guest is started once, and the result is kept until the node boots.
type accelerator struct {
	prober KVMProber
	state  *statedir.Dir
	device string
	log    *slog.Logger

	mu     sync.Mutex
	result *probe
}

// probe is a result as it is kept.
type probe struct {
	BootID string `json:"bootID"`
	// Problem is empty where KVM is usable.
	Problem string `json:"problem"`
}

// known returns kvm, tcg, or "" where it was not probed yet.
func (a *accelerator) known() string {
	if !a.mu.TryLock() {
		return "" // being probed
	}
	defer a.mu.Unlock()
	switch {
	case a.result == nil:
		return ""
	case a.result.Problem == "":
		return "kvm"
	}
	return "tcg"
}

// kvm says whether guests run under KVM. The first call may take some seconds. An error wraps
// ErrUnavailable.
func (a *accelerator) kvm(ctx context.Context) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.result != nil {
		return a.result.Problem == "", nil
	}
	result, err := a.probe(ctx)
	if errors.Is(err, ErrUnavailable) {
		return false, err
	}
	if err != nil { // starting the guest that is asked for will tell the user
		a.log.WarnContext(ctx, "can't look for KVM", "error", err)
		return false, nil
	}
	a.result = result
	a.log.InfoContext(ctx, "looked for KVM", "usable", result.Problem == "", "problem", result.Problem)
	return result.Problem == "", nil
}

func (a *accelerator) probe(ctx context.Context) (*probe, error) {
	if _, err := os.Stat(a.device); err != nil {
		return &probe{Problem: err.Error()}, nil // cheap to find out again
	}
	bootID, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, err
	}
	result := &probe{BootID: strings.TrimSpace(string(bootID))}
	if kept := a.kept(); kept != nil && kept.BootID == result.BootID {
		return kept, nil
	}
	image, err := a.state.SetCache(probeImage, PowerOffImage())
	if err != nil {
		return nil, err
	}
	if result.Problem, err = a.prober.ProbeKVM(ctx, image); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	_, err = a.state.SetCache(probeResult, raw)
	return result, err
}

func (a *accelerator) kept() *probe {
	raw, err := a.state.Cache(probeResult)
	if err != nil {
		return nil
	}
	var kept probe
	if json.Unmarshal(raw, &kept) != nil {
		return nil
	}
	return &kept
}

// PowerOffImage is a disk whose boot sector powers a q35 machine off. SeaBIOS boots from none that is smaller
// than a cylinder.
func PowerOffImage() []byte {
	image := make([]byte, 1<<20)
	copy(image, []byte{
		0xfa,             // cli
		0xba, 0x04, 0x06, // mov dx, 0x604: ACPI's PM1a control
		0xb8, 0x00, 0x20, // mov ax, 0x2000: sleep, state 5
		0xef,       // out dx, ax
		0xf4,       // hlt
		0xeb, 0xfd, // jmp to hlt
	})
	image[510], image[511] = 0x55, 0xaa
	return image
}
