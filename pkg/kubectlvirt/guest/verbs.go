// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// NewOSInfoCommand returns the command guestosinfo.
func NewOSInfoCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	info := &kubevirtv1.VirtualMachineInstanceGuestAgentInfo{}
	return newCommand(&Options{flags: flags, streams: streams, question: question{"guestosinfo", info, func(w io.Writer) {
		fmt.Fprintln(w, "HOSTNAME\tOS\tKERNEL\tTIMEZONE\tAGENT")
		row(w, info.Hostname, info.OS.PrettyName, info.OS.KernelRelease, info.Timezone, info.GAVersion)
	}}}, &cobra.Command{
		Use:   "guestosinfo VM",
		Short: "Print what a guest's agent tells of its operating system",
		Example: `  # The operating system of the virtual machine web
  kubectl virt guestosinfo web

  # In one line
  kubectl virt guestosinfo web -o table`,
	})
}

// NewUsersCommand returns the command userlist.
func NewUsersCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	users := &kubevirtv1.VirtualMachineInstanceGuestOSUserList{}
	return newCommand(&Options{flags: flags, streams: streams, question: question{"userlist", users, func(w io.Writer) {
		fmt.Fprintln(w, "USER\tDOMAIN\tLOGIN")
		for _, user := range users.Items {
			row(w, user.UserName, user.Domain, time.Unix(int64(user.LoginTime), 0).UTC().Format(time.RFC3339))
		}
	}}}, &cobra.Command{
		Use:   "userlist VM",
		Short: "Print who is logged in to a guest",
		Example: `  # Who is logged in to the virtual machine web
  kubectl virt userlist web -o table`,
	})
}

// NewFileSystemsCommand returns the command fslist.
func NewFileSystemsCommand(flags genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	list := &kubevirtv1.VirtualMachineInstanceFileSystemList{}
	return newCommand(&Options{flags: flags, streams: streams, question: question{"filesystemlist", list, func(w io.Writer) {
		fmt.Fprintln(w, "MOUNTPOINT\tTYPE\tDEVICE\tUSED\tSIZE")
		for _, system := range list.Items {
			row(w, system.MountPoint, system.FileSystemType, system.DiskName, size(system.UsedBytes), size(system.TotalBytes))
		}
	}}}, &cobra.Command{
		Use:   "fslist VM",
		Short: "Print the file systems of a guest",
		Example: `  # The file systems of the virtual machine web, and how full they are
  kubectl virt fslist web -o table`,
	})
}

// row writes cells. What a guest says is quoted where a terminal would take it for more than text.
func row(w io.Writer, cells ...string) {
	for i, cell := range cells {
		if i > 0 {
			fmt.Fprint(w, "\t")
		}
		fmt.Fprint(w, printable(cell))
	}
	fmt.Fprintln(w)
}

func printable(text string) string {
	if text == "" {
		return "-"
	}
	for _, r := range text {
		if !strconv.IsPrint(r) {
			return strconv.QuoteToASCII(text)
		}
	}
	return text
}

// size rounds to what can be read.
func size(bytes int64) string {
	const mebibyte = 1 << 20
	return resource.NewQuantity(max(bytes+mebibyte-1, 0)/mebibyte*mebibyte, resource.BinarySI).String()
}
