// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// lingerTime is how long a guest may go on sending into a connection that its client has closed.
const lingerTime = 5 * time.Second

// dialPort connects to a port of vmi's guest, which stream names, at the address of its first interface.
func dialPort(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, stream string, addresses Addresses) (net.Conn, error) {
	port, protocol, err := parsePort(stream)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	address, err := guestAddress(vmi, addresses)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, protocol, netip.AddrPortFrom(address, port).String())
	if err != nil {
		return nil, dialFailed(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		return lingering{tcp}, nil
	}
	return patient{conn}, nil
}

// parsePort reads a name that PortForward has made.
func parsePort(stream string) (port uint16, protocol string, err error) {
	parts := strings.Split(stream, "/")
	if len(parts) != 3 || parts[0] != portForward {
		return 0, "", fmt.Errorf("%q names no port", stream)
	}
	number, err := strconv.ParseUint(parts[1], 10, 16)
	if err != nil || number == 0 {
		return 0, "", fmt.Errorf("port must be from 1 to 65535, not %q", parts[1])
	}
	if parts[2] != TCP && parts[2] != UDP {
		return 0, "", fmt.Errorf("protocol must be tcp or udp, not %q", parts[2])
	}
	return uint16(number), parts[2], nil
}

func guestAddress(vmi *kubevirtv1.VirtualMachineInstance, addresses Addresses) (netip.Addr, error) {
	interfaces := vmi.Spec.Domain.Devices.Interfaces
	if len(interfaces) == 0 {
		return netip.Addr{}, errors.New("no network interfaces are present")
	}
	address, found := addresses(vmi)[interfaces[0].Name]
	if !found {
		return netip.Addr{}, fmt.Errorf("the interface %q has no address at which the node reaches the guest: it is not on the node's guest network", interfaces[0].Name)
	}
	return address, nil
}

func dialFailed(err error) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusInternalServerError,
		Reason:  metav1.StatusReasonInternalError,
		Message: fmt.Sprintf("dialing VM: %v", err),
	}}
}

// lingering is a connection that is closed as a client would: what was written arrives, also where the guest
// has sent what nobody reads any more, on which an ordinary close would cut the connection off.
type lingering struct {
	*net.TCPConn
}

func (l lingering) Close() error {
	if l.CloseWrite() != nil || l.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return l.TCPConn.Close()
	}
	go func() {
		_, _ = io.Copy(io.Discard, l.TCPConn)
		_ = l.TCPConn.Close()
	}()
	return nil
}

// patient outlives the news that nobody listened when a datagram came: somebody may, when the next one does.
type patient struct {
	net.Conn
}

func (p patient) Read(b []byte) (int, error) {
	for {
		n, err := p.Conn.Read(b)
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return n, err
		}
	}
}

// Write sends once more where the news of an earlier datagram came in its place.
func (p patient) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	if errors.Is(err, syscall.ECONNREFUSED) {
		n, err = p.Conn.Write(b)
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return len(b), nil
	}
	return n, err
}
