// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	cliflag "k8s.io/component-base/cli/flag"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/auth"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/blockdevices"
)

const (
	// DefaultDataDir holds everything that a server on its own keeps.
	DefaultDataDir            = "/var/lib/virt-apiserver"
	defaultContainerDiskCache = "50Gi"
	// DefaultPort is kube-apiserver's, so that kubeconfigs look familiar.
	DefaultPort = 6443
)

// Options configure a server on its own.
type Options struct {
	// DataDir holds certificates, etcd's data, disks and the launcher's state.
	DataDir string
	// NodeName names this machine in the status of instances.
	NodeName string
	// LauncherPath and ImporterPath are the programs that run guests and fill volumes.
	LauncherPath string
	ImporterPath string
	// ImportAllowCIDRs are the ranges of loopback, link-local and this machine's addresses that imports may reach.
	ImportAllowCIDRs []string
	// ContainerDiskFolders are those in which container images on disk may be named by any machine.
	ContainerDiskFolders []string
	// HostDiskFolders are those in which any machine may use files of this one.
	HostDiskFolders []string
	// BlockDevices are those of this machine that claims may have, each as NAME=PATH.
	BlockDevices []string
	// ContainerDiskCache is how many bytes disks of container images may take that nobody uses.
	ContainerDiskCache resource.Quantity

	guestNetwork guestNetworkOptions
	importAllow  []netip.Prefix
	// blockDevices are what the paths of BlockDevices lead to.
	blockDevices []blockdevices.Device

	SecureServing  *genericoptions.SecureServingOptionsWithLoopback
	Authentication *auth.Options
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	serving := genericoptions.NewSecureServingOptions()
	serving.BindAddress = net.IPv4(127, 0, 0, 1)
	serving.BindPort = DefaultPort
	return &Options{
		DataDir:      DefaultDataDir,
		NodeName:     defaultNodeName(),
		LauncherPath: besideServer("virt-launcher"),
		ImporterPath: besideServer("virt-importer"),

		ContainerDiskCache: resource.MustParse(defaultContainerDiskCache),

		guestNetwork: guestNetworkOptions{Kind: guestNetworkBridge},

		SecureServing:  serving.WithLoopback(),
		Authentication: &auth.Options{},
	}
}

// AddFlags adds all flags, in named sets for the help text.
func (o *Options) AddFlags(sets *cliflag.NamedFlagSets) {
	flags := sets.FlagSet("standalone")
	flags.StringVar(&o.DataDir, "data-dir", o.DataDir,
		"Directory that holds everything: certificates, the database, disks. The administrator's kubeconfig is in it.")
	flags.StringVar(&o.NodeName, "node-name", o.NodeName, "Name of this machine in the status of instances.")
	flags.StringVar(&o.LauncherPath, "launcher", o.LauncherPath, "Path of virt-launcher, which runs the guests.")
	flags.StringVar(&o.ImporterPath, "importer", o.ImporterPath, "Path of virt-importer, which fills volumes.")
	flags.StringSliceVar(&o.ImportAllowCIDRs, "import-allow-cidr", o.ImportAllowCIDRs,
		"Range of addresses, such as 127.0.0.0/8, that imports and image pulls may reach although it is loopback, link-local or this machine's; may be repeated. Everyone who may make disks or machines can have the server read from there.")
	flags.StringSliceVar(&o.ContainerDiskFolders, "container-disk-folder", o.ContainerDiskFolders,
		"Folder beneath which a containerDisk or a kernelBoot may name an image on disk (oci-layout:PATH, oci-archive:PATH); may be repeated. Everyone who may make machines can use the images there.")
	flags.StringSliceVar(&o.HostDiskFolders, "host-disk-folder", o.HostDiskFolders,
		"Folder beneath which a hostDisk may use and make files of this machine; may be repeated. Everyone who may make machines can write the files there. Nobody but root may own or write to a folder there or above.")
	flags.StringArrayVar(&o.BlockDevices, "block-device", o.BlockDevices,
		"Block device of this machine that a claim may have, as NAME=/dev/disk/by-id/...; may be repeated. Everyone who may make claims and machines can read and write it.")
	flags.Var(quantityFlag{&o.ContainerDiskCache}, "container-disk-cache",
		"How much the disks, kernels and initrds of container images may take that no machine uses, and a single one at the most.")
	o.guestNetwork.addFlags(flags)
	o.SecureServing.AddFlags(sets.FlagSet("secure serving"))
	o.Authentication.AddFlags(sets.FlagSet("authentication"))
}

// Complete makes paths absolute, reads ranges, and finds the block devices.
func (o *Options) Complete() error {
	for _, path := range []*string{&o.DataDir, &o.LauncherPath, &o.ImporterPath} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("make %s absolute: %w", *path, err)
		}
		*path = absolute
	}
	var err error
	if o.importAllow, err = egress.Parse(o.ImportAllowCIDRs); err != nil {
		return fmt.Errorf("--import-allow-cidr: %w", err)
	}
	for _, given := range []struct {
		flag    string
		folders []string
	}{{"container-disk-folder", o.ContainerDiskFolders}, {"host-disk-folder", o.HostDiskFolders}} {
		for i, folder := range given.folders {
			resolved, err := resolveFolder(folder)
			if err != nil {
				return fmt.Errorf("--%s: %w", given.flag, err)
			}
			given.folders[i] = resolved
		}
	}
	for _, offer := range o.BlockDevices {
		device, err := findBlockDevice(offer)
		if err != nil {
			return fmt.Errorf("--block-device %s: %w", offer, err)
		}
		o.blockDevices = append(o.blockDevices, device)
	}
	return nil
}

// Validate returns all that is wrong.
func (o *Options) Validate() error {
	errs := o.SecureServing.Validate()
	if o.SecureServing.BindPort == 0 {
		errs = append(errs, errors.New("--secure-port must be from 1 to 65535: a kubeconfig names it"))
	}
	errs = append(errs, o.guestNetwork.validate()...)
	for _, message := range validation.IsDNS1123Subdomain(o.NodeName) {
		errs = append(errs, fmt.Errorf("--node-name %q: %s", o.NodeName, message))
	}
	for _, program := range []struct{ flag, path string }{{"--launcher", o.LauncherPath}, {"--importer", o.ImporterPath}} {
		if info, err := os.Stat(program.path); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			errs = append(errs, fmt.Errorf("%s: no program at %s; build it with 'make build', or say where it is", program.flag, program.path))
		}
	}
	if o.ContainerDiskCache.Sign() <= 0 {
		errs = append(errs, errors.New("--container-disk-cache: must be more than 0, such as 50Gi"))
	}
	return errors.Join(errs...)
}

// serverURL is where clients on this machine reach the server.
func (o *Options) serverURL() string {
	host := o.SecureServing.BindAddress
	if host.IsUnspecified() {
		host = net.IPv4(127, 0, 0, 1)
	}
	return "https://" + net.JoinHostPort(host.String(), strconv.Itoa(o.SecureServing.BindPort))
}

// defaultNodeName is the host's name as kubelet would make one of it.
func defaultNodeName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	return strings.ToLower(strings.TrimSpace(name))
}

// besideServer returns the path of a program in the directory of this one.
func besideServer(name string) string {
	self, err := os.Executable()
	if err != nil {
		return name
	}
	return filepath.Join(filepath.Dir(self), name)
}

// path returns where something is kept.
func (o *Options) path(name string) string { return filepath.Join(o.DataDir, name) }
