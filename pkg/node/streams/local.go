// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
)

// Launcher gives the raw streams of the domains on this machine. Its refusals are *api.Error.
type Launcher interface {
	Console(ctx context.Context, domain api.Target) (net.Conn, error)
	VNC(ctx context.Context, domain api.Target) (net.Conn, error)
	Domain(ctx context.Context, domain api.Target) (*api.DomainStatus, error)
	VSOCK(ctx context.Context, domain api.Target, port uint32) (net.Conn, error)
}

// Addresses returns those of an instance's interfaces, by name, that the node's network gave them. What a guest
// says of itself is none of them: it would lead the node to wherever the guest wants.
type Addresses func(vmi *kubevirtv1.VirtualMachineInstance) map[string]netip.Addr

// Local opens streams through the launcher of this machine, and to the ports of its guests. A console and a
// screen each have one session: a newer one takes over, and the older one's reads end with ErrTakenOver.
type Local struct {
	launcher  Launcher
	addresses Addresses
	sessions  *sessions
}

// NewLocal returns a Local that has at most maxSessions open.
func NewLocal(launcher Launcher, addresses Addresses, maxSessions int) *Local {
	return &Local{launcher: launcher, addresses: addresses, sessions: newSessions(maxSessions)}
}

// Open opens a stream of vmi, and of no other instance that has its name by now. ctx bounds the opening only. The caller closes what it gets.
func (l *Local) Open(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, stream string) (net.Conn, error) {
	key, manner := sessionOf(vmi, stream)
	session, err := l.sessions.begin(key, manner)
	if err != nil {
		return nil, err
	}
	conn, err := l.connect(ctx, vmi, key.stream)
	if err != nil {
		l.sessions.finish(session)
		return nil, err
	}
	if err := session.attach(conn); err != nil {
		return nil, apierrors.NewServiceUnavailable(err.Error())
	}
	return session, nil
}

// sessionOf says which session a stream is, and how it gets on with others.
func sessionOf(vmi *kubevirtv1.VirtualMachineInstance, stream string) (sessionKey, manner) {
	key := sessionKey{namespace: vmi.Namespace, name: vmi.Name, uid: vmi.UID, stream: stream}
	switch {
	case stream == VNCIfFree:
		key.stream = VNC
		return key, ifFree
	case strings.HasPrefix(stream, portForward+"/"), strings.HasPrefix(stream, vsock+"/"):
		return key, beside
	default:
		return key, takesOver
	}
}

func (l *Local) connect(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, stream string) (net.Conn, error) {
	domain := api.Target{Namespace: vmi.Namespace, Name: vmi.Name, UID: vmi.UID}
	if strings.HasPrefix(stream, portForward+"/") {
		return l.connectPort(ctx, vmi, domain, stream)
	}
	var conn net.Conn
	var err error
	port, isVSOCK := strings.CutPrefix(stream, vsock+"/")
	switch {
	case isVSOCK:
		conn, err = l.dialVSOCK(ctx, domain, port)
	case stream == Console:
		conn, err = l.launcher.Console(ctx, domain)
	case stream == VNC:
		conn, err = l.launcher.VNC(ctx, domain)
	default:
		err = &api.Error{Reason: api.ErrorNotFound, Message: "there is no stream " + stream}
	}
	if err != nil {
		return nil, launcherRefusal(vmi.Name, err)
	}
	return conn, nil
}

// connectPort is sure of whom it has connected to only afterwards: the instances of a machine have one address, one
// after the other.
func (l *Local) connectPort(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain api.Target, stream string) (net.Conn, error) {
	conn, err := dialPort(ctx, vmi, stream, l.addresses)
	if err != nil {
		return nil, err
	}
	if _, err := l.launcher.Domain(ctx, domain); err != nil {
		_ = conn.Close()
		return nil, launcherRefusal(vmi.Name, err)
	}
	return conn, nil
}

// dialVSOCK has the launcher connect, which knows the guest's address from libvirt.
func (l *Local) dialVSOCK(ctx context.Context, domain api.Target, port string) (net.Conn, error) {
	number, err := strconv.ParseUint(port, 10, 32)
	if err != nil {
		return nil, &api.Error{Reason: api.ErrorInvalid, Message: fmt.Sprintf("%q is no port", port)}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return l.launcher.VSOCK(ctx, domain, uint32(number))
}

// launcherRefusal is what a client is told where the launcher gave no stream. That the guest does not run is for
// clients to ask again.
func launcherRefusal(name string, err error) error {
	var refused *api.Error
	if errors.As(err, &refused) && refused.Reason == api.ErrorNotRunning {
		return apierrors.NewBadRequest(refused.Message)
	}
	return link.LauncherRefusal(name, err)
}
