// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// MaxRequestBytes is the largest body that the launcher reads.
	MaxRequestBytes = 8 << 20
	// maxAnswerBytes is the largest body that the client reads; a list of 10,000 domains is about 8 MB.
	maxAnswerBytes = 64 << 20

	actionResize = "resize"
	// actionPlug and actionUnplug add and remove disks.
	actionPlug   = "plug"
	actionUnplug = "unplug"
	// actionInterface adds, changes and removes interfaces.
	actionInterface = "interface"
)

// Client talks to the launcher behind a unix socket. It is safe for concurrent use and keeps no
// connection: each call works as soon as a launcher listens there. Where the launcher
// answered with an Error, the error that a method returns wraps it; see ReasonFor.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient returns a client for the launcher behind the unix socket at socketPath. It does not connect.
func NewClient(socketPath string) *Client {
	c := &Client{socket: socketPath}
	c.http = &http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx) },
		DisableKeepAlives: true, // a kept connection would fail a request after the launcher was replaced
	}}
	return c
}

// Health asks what the launcher found on the node.
func (c *Client) Health(ctx context.Context) (*Health, error) {
	var health Health
	if err := c.call(ctx, http.MethodGet, "/v1/health", nil, &health); err != nil {
		return nil, err
	}
	return &health, nil
}

// SetVerbosity has the launcher log so much until it ends; see VerbosityRequest.
func (c *Client) SetVerbosity(ctx context.Context, verbosity int32) error {
	return c.call(ctx, http.MethodPut, "/v1/verbosity", VerbosityRequest{Verbosity: verbosity}, nil)
}

// List returns the status of every domain.
func (c *Client) List(ctx context.Context) ([]DomainStatus, error) {
	var list []DomainStatus
	if err := c.call(ctx, http.MethodGet, "/v1/domains", nil, &list); err != nil {
		return nil, err
	}
	return list, nil
}

// Domain returns the status of one domain.
func (c *Client) Domain(ctx context.Context, domain Target) (*DomainStatus, error) {
	var status DomainStatus
	if err := c.call(ctx, http.MethodGet, domain.path(""), nil, &status); err != nil {
		return nil, err
	}
	return &status, nil
}

// Start brings the domain of request.Instance to run and returns its status; see StartRequest.
func (c *Client) Start(ctx context.Context, request *StartRequest) (*DomainStatus, error) {
	if request.Instance == nil {
		return nil, &Error{Reason: ErrorInvalid, Message: "the request has no instance"}
	}
	var status DomainStatus
	path := domainPath(request.Instance.Namespace, request.Instance.Name, "")
	if err := c.call(ctx, http.MethodPut, path, request, &status); err != nil {
		return nil, err
	}
	return &status, nil
}

// Shutdown asks that the domain ends and does not wait for it. Asked again, the earlier deadline counts.
func (c *Client) Shutdown(ctx context.Context, namespace, name string, request ShutdownRequest) error {
	return c.call(ctx, http.MethodPost, domainPath(namespace, name, "shutdown"), request, nil)
}

// Resize gives a running guest processors and memory, or takes memory back, and returns the domain's status;
// see ResizeRequest.
func (c *Client) Resize(ctx context.Context, domain Target, request ResizeRequest) (*DomainStatus, error) {
	var status DomainStatus
	if err := c.Call(ctx, domain, actionResize, request, &status); err != nil {
		return nil, err
	}
	return &status, nil
}

// Plug adds a disk to a running guest and returns the domain's status; see PlugRequest.
func (c *Client) Plug(ctx context.Context, domain Target, request PlugRequest) (*DomainStatus, error) {
	var status DomainStatus
	if err := c.Call(ctx, domain, actionPlug, request, &status); err != nil {
		return nil, err
	}
	return &status, nil
}

// Unplug asks a running guest to give a disk up and returns the domain's status; see UnplugRequest.
func (c *Client) Unplug(ctx context.Context, domain Target, request UnplugRequest) (*DomainStatus, error) {
	var status DomainStatus
	if err := c.Call(ctx, domain, actionUnplug, request, &status); err != nil {
		return nil, err
	}
	return &status, nil
}

// SetInterface has a running guest have an interface or not, and returns the domain's status; see InterfaceRequest.
func (c *Client) SetInterface(ctx context.Context, domain Target, request InterfaceRequest) (*DomainStatus, error) {
	var status DomainStatus
	if err := c.Call(ctx, domain, actionInterface, request, &status); err != nil {
		return nil, err
	}
	return &status, nil
}

// Delete ends the domain of the instance uid if it runs, at once, and removes all that the launcher
// has of it. Where there is no such domain it succeeds.
func (c *Client) Delete(ctx context.Context, namespace, name string, uid types.UID) error {
	path := domainPath(namespace, name, "") + "?uid=" + url.QueryEscape(string(uid))
	return c.call(ctx, http.MethodDelete, path, nil, nil)
}

// Kept returns the state that is kept on the node.
func (c *Client) Kept(ctx context.Context) ([]Kept, error) {
	var list []Kept
	if err := c.call(ctx, http.MethodGet, "/v1/kept", nil, &list); err != nil {
		return nil, err
	}
	return list, nil
}

// Forget removes state that is kept. It is refused as a conflict where a domain uses it or it is another
// owner's. Where there is none it succeeds.
func (c *Client) Forget(ctx context.Context, kept Kept) error {
	path := "/v1/kept/" + url.PathEscape(kept.UUID) + "?owner=" + url.QueryEscape(string(kept.Owner))
	return c.call(ctx, http.MethodDelete, path, nil, nil)
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	answer, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if out == nil || answer.StatusCode == http.StatusNoContent {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes))
	if err != nil {
		return fmt.Errorf("launcher: read answer: %w", err)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("launcher: decode answer: %w", err)
	}
	return nil
}

// send returns the answer of a request that succeeded; its body is the caller's to close.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	request, err := newRequest(ctx, method, path, in)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("launcher: %w", err)
	}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, fmt.Errorf("launcher: %w", readError(answer))
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", c.socket)
}

func newRequest(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("launcher: encode request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://launcher"+path, body)
	if err != nil {
		return nil, fmt.Errorf("launcher: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

func readError(answer *http.Response) *Error {
	e := &Error{}
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err != nil || json.Unmarshal(body, e) != nil || e.Reason == "" {
		return &Error{Reason: ErrorInternal, Message: "answered " + answer.Status}
	}
	return e
}

func domainPath(namespace, name, action string) string {
	path := "/v1/domains/" + url.PathEscape(namespace) + "/" + url.PathEscape(name)
	if action != "" {
		path += "/" + action
	}
	return path
}
