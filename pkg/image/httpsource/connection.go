// SPDX-License-Identifier: Apache-2.0

package httpsource

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// connection is one response, read with an idle timeout.
type connection struct {
	resp   *http.Response
	ctx    context.Context // of the request
	cancel context.CancelCauseFunc
}

// connect sends a request with extra headers and returns whatever response
// there is.
func (b *Body) connect(extra http.Header) (*connection, error) {
	ctx, cancel := context.WithCancelCause(b.ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url.String(), nil)
	if err != nil {
		cancel(nil)
		return nil, failure.Permanent(failure.InvalidRequest, "source URL: %w", err)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept-Encoding", "identity")
	req.Host = b.host
	for _, h := range []http.Header{b.header, extra} {
		for name, values := range h {
			req.Header[name] = values
		}
	}
	resp, err := b.client.Do(req)
	if err != nil {
		cancel(nil)
		if b.ctx.Err() != nil {
			return nil, context.Cause(b.ctx)
		}
		return nil, connectError(b.url, err)
	}
	return &connection{resp: resp, ctx: ctx, cancel: cancel}, nil
}

// read reads from the response. When nothing arrives for so long as idle, the
// request is cancelled.
func (c *connection) read(p []byte, idle time.Duration) (int, error) {
	stalled := time.AfterFunc(idle, func() {
		c.cancel(failure.Transient(failure.Stalled,
			"%s: nothing arrived for %s: check the server and the network", place(c.resp.Request.URL), idle))
	})
	n, err := c.resp.Body.Read(p)
	stalled.Stop()
	if cause := context.Cause(c.ctx); cause != nil && err != nil && !errors.Is(err, io.EOF) {
		return n, cause
	}
	return n, err
}

func (c *connection) close() {
	c.cancel(nil)
	// The request is cancelled: nothing that Close could tell matters.
	_ = c.resp.Body.Close()
}
