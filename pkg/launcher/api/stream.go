// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
)

// StreamProtocol is the value of the Upgrade header for console, vnc and vsock: after the answer 101 the
// connection carries the bytes of the device and nothing else.
const StreamProtocol = "virt-launcher-stream"

// Console connects to the domain's serial console. A new session ends an older one of the same domain.
// ctx bounds the connecting only; close the connection to end the session.
func (c *Client) Console(ctx context.Context, domain Target) (net.Conn, error) {
	return c.stream(ctx, domain.path("console"))
}

// VNC connects to the domain's screen (RFB protocol). A new session ends an older one of the same domain.
// ctx bounds the connecting only; close the connection to end the session.
func (c *Client) VNC(ctx context.Context, domain Target) (net.Conn, error) {
	return c.stream(ctx, domain.path("vnc"))
}

// VSOCK connects to a port of the domain's guest. There may be many connections at a time.
// ctx bounds the connecting only; close the connection to end it.
func (c *Client) VSOCK(ctx context.Context, domain Target, port uint32) (net.Conn, error) {
	return c.stream(ctx, domain.path(fmt.Sprintf("vsock/%d", port)))
}

func (c *Client) stream(ctx context.Context, path string) (net.Conn, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("launcher: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	stream, err := upgrade(ctx, conn, path)
	if err != nil {
		stop()
		_ = conn.Close()
		return nil, err
	}
	if !stop() {
		return nil, fmt.Errorf("launcher: %w", context.Cause(ctx))
	}
	return stream, nil
}

func upgrade(ctx context.Context, conn net.Conn, path string) (net.Conn, error) {
	request, err := newRequest(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", StreamProtocol)
	if err := request.Write(conn); err != nil {
		return nil, fmt.Errorf("launcher: %w", err)
	}
	reader := bufio.NewReader(conn)
	answer, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, fmt.Errorf("launcher: %w", err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		defer answer.Body.Close()
		return nil, fmt.Errorf("launcher: %w", readError(answer))
	}
	return &bufferedConn{conn, reader}, nil
}

// bufferedConn first reads what arrived together with the answer's header.
type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }
