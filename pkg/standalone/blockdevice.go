// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/api/validation"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/blockdevices"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/volumes"
)

// findBlockDevice finds what a flag such as backup=/dev/disk/by-id/... offers.
func findBlockDevice(offer string) (blockdevices.Device, error) {
	name, path, found := strings.Cut(offer, "=")
	if !found || !filepath.IsAbs(path) {
		return blockdevices.Device{}, errors.New("must be NAME=PATH with an absolute path, such as backup=/dev/disk/by-id/wwn-0x5000c500a1b2c3d4")
	}
	if problems := validation.NameIsDNSSubdomain(name, false); len(problems) > 0 {
		return blockdevices.Device{}, errors.New("name: " + strings.Join(problems, "; "))
	}
	return blockdevices.Find(name, path)
}

// openVolumes opens the store of claims with the block devices on offer, whose nodes are below deviceRoot.
func openVolumes(options *Options) (store *volumes.Store, deviceRoot string, err error) {
	devices, err := blockdevices.Open(options.path("devices"), options.blockDevices)
	if err != nil {
		return nil, "", fmt.Errorf("--block-device: %w", err)
	}
	if store, err = volumes.Open(options.path("volumes")); err != nil {
		return nil, "", errors.Join(err, devices.Close())
	}
	store.Offer(devices)
	return store, devices.Path(), nil
}
