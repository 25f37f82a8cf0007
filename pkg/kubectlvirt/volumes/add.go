// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// AddOptions are the options of addvolume.
type AddOptions struct {
	common
	// Serial number of the disk; the volume's name where it is empty. A lun has its device's.
	Serial string
	// Cache is a cache mode, or empty for the server's choice.
	Cache string
	// Bus is scsi or virtio, and DiskType is disk or lun. A lun is on scsi.
	Bus, DiskType string
}

// NewAddCommand returns the command addvolume.
func NewAddCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	o := &AddOptions{common: common{flags: flags, streams: streams}, Bus: string(kubevirtv1.DiskBusSCSI), DiskType: "disk"}
	command := &cobra.Command{
		Use:   "addvolume VM",
		Short: "Give a running guest a disk",
		Long: "Give a running guest a disk that is a DataVolume or a claim.\n\n" +
			"The command returns when the server has taken the request; status.volumeStatus of the instance shows the progress.",
		Example: `  # Give the guest of web the claim data, until it ends
  kubectl virt addvolume web --volume-name data

  # Give it to the machine, with a serial number that the guest sees
  kubectl virt addvolume web --volume-name data --persist --serial D4T4`,
		RunE: func(command *cobra.Command, args []string) error {
			if err := o.Validate(); err != nil {
				return fmt.Errorf("%w\nSee %s --help", err, command.CommandPath())
			}
			if err := o.complete(args); err != nil {
				return err
			}
			return o.Run(command.Context())
		},
	}
	o.addFlags(command)
	command.Flags().StringVar(&o.Serial, "serial", o.Serial, "Serial number of the disk. The volume's name by default, and the device's own for a lun.")
	command.Flags().StringVar(&o.Cache, "cache", o.Cache, "Cache of the disk: none, writethrough or writeback.")
	command.Flags().StringVar(&o.Bus, "bus", o.Bus, "Bus of the disk: scsi or, but for a lun, virtio.")
	command.Flags().StringVar(&o.DiskType, "disk-type", o.DiskType, "Type of the disk: disk, or lun for a claim that is a SCSI device, to which the guest's commands go.")
	return command
}

// Validate checks what no server is needed for.
func (o *AddOptions) Validate() error {
	if err := o.validate(); err != nil {
		return err
	}
	switch kubevirtv1.DiskBus(o.Bus) {
	case kubevirtv1.DiskBusSCSI, kubevirtv1.DiskBusVirtio:
	default:
		return fmt.Errorf("--bus must be scsi or virtio, not %q", o.Bus)
	}
	switch kubevirtv1.DriverCache(o.Cache) {
	case "", kubevirtv1.CacheNone, kubevirtv1.CacheWriteThrough, kubevirtv1.CacheWriteBack:
	default:
		return fmt.Errorf("--cache must be none, writethrough or writeback, not %q", o.Cache)
	}
	switch {
	case o.DiskType != "disk" && o.DiskType != "lun":
		return fmt.Errorf("--disk-type must be disk or lun, not %q", o.DiskType)
	case o.DiskType == "lun" && o.Bus != string(kubevirtv1.DiskBusSCSI):
		return fmt.Errorf("--bus must be scsi for a lun, not %q", o.Bus)
	case o.DiskType == "lun" && o.Serial != "":
		return errors.New("--serial is not for a lun: the guest sees that of the device")
	}
	return nil
}

// disk is what is added.
func (o *AddOptions) disk() *kubevirtv1.Disk {
	disk := &kubevirtv1.Disk{Name: o.VolumeName, Serial: kubevirtv1.Given(o.Serial), Cache: kubevirtv1.Given(kubevirtv1.DriverCache(o.Cache))}
	if o.DiskType == "lun" {
		disk.LUN = &kubevirtv1.LunTarget{Bus: kubevirtv1.Given(kubevirtv1.DiskBus(o.Bus))}
		return disk
	}
	disk.Disk = &kubevirtv1.DiskTarget{Bus: kubevirtv1.Given(kubevirtv1.DiskBus(o.Bus))}
	if ptr.Deref(disk.Serial, "") == "" {
		disk.Serial = ptr.To(o.VolumeName)
	}
	return disk
}

// Run has the volume added.
func (o *AddOptions) Run(ctx context.Context) error {
	source, err := o.client.FindVolume(ctx, o.VolumeName)
	if err != nil {
		return err
	}
	add := o.client.AddVolume
	if o.Persist {
		add = o.client.AddVolumeToMachine
	}
	options := &kubevirtv1.AddVolumeOptions{Name: o.VolumeName, Disk: o.disk(), VolumeSource: source, DryRun: o.dryRun.Options()}
	if err := add(ctx, o.name, options); err != nil {
		return err
	}
	o.report("gets")
	return nil
}
