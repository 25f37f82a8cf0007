// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// ErrUnknown is wrapped by errors that say nothing of the guest.
var ErrUnknown = errors.New("the guest could not be asked")

// maxHeader of an answer, in bytes; its body is not read.
const maxHeader = 16 << 10

// Guest is one that can be asked. Its errors tell of the guest, unless they wrap ErrUnknown.
type Guest interface {
	// Ping succeeds where the guest's agent answers.
	Ping(ctx context.Context, timeout time.Duration) error
	// Exec succeeds where the command ends with 0.
	Exec(ctx context.Context, command []string, timeout time.Duration) error
	// Address is that of the first interface.
	Address() (netip.Addr, error)
}

// ask puts the question of a probe once.
func ask(ctx context.Context, guest Guest, probe *kubevirtv1.Probe) error {
	timeout := time.Duration(ptr.Deref(probe.TimeoutSeconds, 0)) * time.Second
	switch {
	case probe.GuestAgentPing != nil:
		return guest.Ping(ctx, timeout)
	case probe.Exec != nil:
		return guest.Exec(ctx, probe.Exec.Command, timeout)
	}
	address, err := guest.Address()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if probe.TCPSocket != nil {
		return connect(ctx, address, probe.TCPSocket.Port.IntValue())
	}
	return get(ctx, address, probe.HTTPGet)
}

func connect(ctx context.Context, address netip.Addr, port int) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", netip.AddrPortFrom(address, uint16(port)).String())
	if err != nil {
		return err
	}
	return conn.Close()
}

// get follows no redirect: it would lead to where the guest wants. One is an answer too.
func get(ctx context.Context, address netip.Addr, action *kubevirtv1.HTTPGetAction) error {
	request, err := newRequest(ctx, address, action)
	if err != nil {
		return err
	}
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: true}, // as documented: guests sign their own
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 399 {
		return fmt.Errorf("HTTP status %d", answer.StatusCode)
	}
	return nil
}

func newRequest(ctx context.Context, address netip.Addr, action *kubevirtv1.HTTPGetAction) (*http.Request, error) {
	target, err := url.Parse(ptr.Deref(action.Path, ""))
	if err != nil {
		return nil, err
	}
	target = &url.URL{Scheme: "http", Path: target.Path, RawPath: target.RawPath, RawQuery: target.RawQuery}
	if ptr.Deref(action.Scheme, "") == "HTTPS" {
		target.Scheme = "https"
	}
	target.Host = net.JoinHostPort(address.String(), strconv.Itoa(action.Port.IntValue()))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "virt-probe")
	request.Header.Set("Accept", "*/*")
	for _, header := range action.HTTPHeaders {
		if http.CanonicalHeaderKey(header.Name) == "Host" {
			request.Host = header.Value
			continue
		}
		request.Header.Add(header.Name, header.Value)
	}
	return request, nil
}
