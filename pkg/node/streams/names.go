// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"fmt"
	"strings"
)

// The streams of a guest, beside those of PortForward and VSOCK.
const (
	Console = "console"
	VNC     = "vnc"
	// VNCIfFree is VNC that ends nobody's session: where there is one it is refused.
	VNCIfFree = "vnc/if-free"
)

// The protocols of PortForward.
const (
	TCP = "tcp"
	UDP = "udp"
)

const (
	portForward = "portforward"
	vsock       = "vsock"
)

// VSOCK is the stream of a port at which a program in the guest listens without a network.
func VSOCK(port uint32) string { return fmt.Sprintf("%s/%d", vsock, port) }

// PortForward is the stream of a port of the guest. Where protocol is UDP, a message is a datagram.
func PortForward(port uint16, protocol string) string {
	return fmt.Sprintf("%s/%d/%s", portForward, port, protocol)
}

// hasDatagrams says whether the messages of a stream are datagrams.
func hasDatagrams(stream string) bool {
	return strings.HasPrefix(stream, portForward+"/") && strings.HasSuffix(stream, "/"+UDP)
}
