// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
	"github.com/virt-apiserver/virt-apiserver/pkg/version"
)

const usage = `virt-launcher runs the virtual machines of a node through libvirt. It is started by the node's agent,
which talks to it over a unix socket. Killing it harms no guest: the next launcher finds them all again.

Usage:
  virt-launcher --socket PATH --state-dir DIR [--volume-root DIR]...

  --socket PATH        unix socket to listen on; its directory becomes the launcher's alone (mode 0700)
  --state-dir DIR      what must survive the launcher, and files that live as long as an instance;
                       QEMU's user must be able to pass through it and all directories above
  --volume-root DIR    directory below which disks may be; can be given several times
  --host-disk-root DIR directory below which instances may use files of this machine; can be given several times
  --device-root DIR    directory below which the nodes of block devices may be; can be given several times
  --instance-id ID     marks this launcher's domains, others are never touched (default: the state directory)
  --libvirt-uri URI    libvirt to connect to (default: qemu:///system)
  --runtime-dir DIR    short path for the consoles' sockets (default: /run/virt-apiserver/HASH-OF-ID)
  --max-domains N      how many instances there may be (default: 1000)
  --version            print the version
  --help               print this

Example:
  virt-launcher --socket /run/va/launcher.sock --state-dir /var/lib/va/launcher --volume-root /var/lib/va/volumes &
  curl --unix-socket /run/va/launcher.sock http://launcher/v1/health
`

const defaultMaxDomains = 1000

var errVersion = errors.New("the version was asked for")

type options struct {
	socket     string
	stateDir   string
	libvirtURI string
	launcher   launcher.Options
}

// parse reads the command line. It prints what --help and --version ask for, and returns flag.ErrHelp or
// errVersion then.
func parse(args []string, out io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("virt-launcher", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.socket, "socket", "", "")
	flags.StringVar(&o.stateDir, "state-dir", "", "")
	flags.StringVar(&o.libvirtURI, "libvirt-uri", "qemu:///system", "")
	flags.StringVar(&o.launcher.InstanceID, "instance-id", "", "")
	flags.StringVar(&o.launcher.RuntimeDir, "runtime-dir", "", "")
	flags.IntVar(&o.launcher.MaxDomains, "max-domains", defaultMaxDomains, "")
	flags.Func("volume-root", "", addFolder(&o.launcher.VolumeRoots))
	flags.Func("host-disk-root", "", addFolder(&o.launcher.HostDiskRoots))
	flags.Func("device-root", "", addFolder(&o.launcher.DeviceRoots))
	printVersion := flags.Bool("version", false, "")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		_, _ = io.WriteString(out, usage)
		return nil, err
	} else if err != nil {
		return nil, err
	}
	o.launcher.Version = version.Get().GitVersion
	o.launcher.Arguments = args
	if *printVersion {
		_, _ = fmt.Fprintln(out, o.launcher.Version)
		return nil, errVersion
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is no flag", flags.Arg(0))
	}
	return o, o.complete()
}

// addFolder makes each folder that is named absolute.
func addFolder(folders *[]string) func(string) error {
	return func(dir string) error {
		dir, err := filepath.Abs(dir)
		*folders = append(*folders, dir)
		return err
	}
}

func (o *options) complete() (err error) {
	if o.socket == "" || o.stateDir == "" {
		return errors.New("--socket and --state-dir are needed")
	}
	if o.launcher.MaxDomains < 1 {
		return errors.New("--max-domains: must be at least 1")
	}
	if o.stateDir, err = filepath.Abs(o.stateDir); err != nil {
		return err
	}
	if o.launcher.InstanceID == "" {
		o.launcher.InstanceID = o.stateDir
	}
	if o.launcher.RuntimeDir == "" {
		sum := sha256.Sum256([]byte(o.launcher.InstanceID))
		o.launcher.RuntimeDir = "/run/virt-apiserver/" + hex.EncodeToString(sum[:4])
	}
	return nil
}
