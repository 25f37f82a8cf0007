// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"libvirt.org/go/libvirt"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
)

// maxMessage of libvirt that is passed on, in bytes; QEMU's may hold a whole log.
const maxMessage = 1 << 10

// translate gives an error of libvirt the meaning that the launcher knows, with libvirt's own words.
func translate(err error) error {
	var told libvirt.Error
	if !errors.As(err, &told) {
		return err
	}
	kind := kindOf(told)
	if kind == nil {
		return errors.New(text(err))
	}
	return fmt.Errorf("%w: %s%s", kind, text(err), hint(told))
}

// hint is what to do about an error that libvirt leaves to its reader.
func hint(err libvirt.Error) string {
	switch {
	case strings.Contains(err.Message, "No emulator found"):
		return "; install QEMU, on Debian: apt-get install qemu-system-x86"
	case strings.Contains(err.Message, "does not support machine type"):
		return "; use q35, which is the newest that this node's QEMU has"
	}
	return ""
}

func kindOf(err libvirt.Error) error {
	switch err.Code {
	case libvirt.ERR_NO_DOMAIN:
		return launcher.ErrNoDomain
	case libvirt.ERR_OPERATION_INVALID:
		return launcher.ErrNotRunning
	case libvirt.ERR_AGENT_UNRESPONSIVE, libvirt.ERR_AGENT_UNSYNCED, libvirt.ERR_AGENT_COMMAND_TIMEOUT:
		return launcher.ErrNoAgent
	case libvirt.ERR_CONFIG_UNSUPPORTED, libvirt.ERR_CPU_INCOMPATIBLE,
		libvirt.ERR_XML_ERROR, libvirt.ERR_XML_DETAIL, libvirt.ERR_XML_INVALID_SCHEMA:
		return launcher.ErrUnsupported
	case libvirt.ERR_RPC, libvirt.ERR_NO_CONNECT, libvirt.ERR_INVALID_CONN:
		return launcher.ErrUnavailable
	}
	if err.Domain == libvirt.FROM_RPC {
		return launcher.ErrUnavailable
	}
	return nil
}

// text is what libvirt says, on one line and not endless.
func text(err error) string {
	message := err.Error()
	var told libvirt.Error
	if errors.As(err, &told) {
		message = told.Message
	}
	message = strings.Join(strings.Fields(strings.Map(printable, message)), " ")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	return message
}

// printable keeps what a guest may have written from doing anything to a terminal.
func printable(r rune) rune {
	switch {
	case unicode.IsPrint(r), unicode.IsSpace(r):
		return r
	}
	return '?'
}
