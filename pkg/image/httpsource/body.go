// SPDX-License-Identifier: Apache-2.0

package httpsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/pace"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// DefaultIdleTimeout is how long a transfer may stand still.
const DefaultIdleTimeout = 2 * time.Minute

// Options bound a transfer. The zero value means the defaults.
type Options struct {
	// IdleTimeout ends a connection on which nothing arrives for so long.
	IdleTimeout time.Duration
	// ResumeDelay is the pause before a cut transfer is picked up again; it
	// doubles for each time in a row. The default is one second.
	ResumeDelay time.Duration
	// Egress says which servers may be reached, also by redirect.
	Egress egress.Policy
	// Rate is what the server has to deliver; the default is pace.Least.
	Rate pace.Rate
}

// Body is the image as it is transferred. It is not safe for concurrent use.
type Body struct {
	ctx    context.Context // of the whole transfer, as that of a Request
	client *http.Client
	url    *url.URL
	header http.Header
	host   string
	opts   Options

	size      int64 // -1 if the server does not tell
	offset    int64
	validator string // what the server's If-Range takes; empty: no resuming
	resumes   resumes
	pace      *pace.Meter
	current   *connection
	err       error // from the last Read
}

// Open asks for the image and returns once the server begins to send it. The
// errors of Open and Read are *failure.Error, or ctx's own.
func Open(ctx context.Context, src source.HTTP, opts Options) (*Body, error) {
	u, err := source.ParseURL(src.URL)
	if err != nil {
		return nil, failure.Permanent(failure.InvalidRequest, "%w", err)
	}
	if opts.IdleTimeout <= 0 {
		opts.IdleTimeout = DefaultIdleTimeout
	}
	if opts.ResumeDelay <= 0 {
		opts.ResumeDelay = time.Second
	}
	header, host, err := newHeader(src, u)
	if err != nil {
		return nil, err
	}
	u.User = nil
	transport, err := newTransport(src, opts)
	if err != nil {
		return nil, err
	}
	b := &Body{
		ctx: ctx, url: u, header: header, host: host, opts: opts, pace: pace.NewMeter(opts.Rate),
		client: &http.Client{Transport: transport, CheckRedirect: redirectPolicy(header)},
	}
	if err := b.begin(); err != nil {
		b.client.CloseIdleConnections()
		return nil, err
	}
	return b, nil
}

// begin makes the first request.
func (b *Body) begin() error {
	c, err := b.connect(nil)
	if err != nil {
		return err
	}
	resp := c.resp
	if resp.StatusCode != http.StatusOK {
		err = statusError(resp)
	} else {
		err = codingError(resp)
	}
	if err != nil {
		c.close()
		return err
	}
	b.current, b.size, b.validator = c, resp.ContentLength, validator(resp)
	return nil
}

// Size returns the number of bytes in the body, or -1 if the server does not tell.
func (b *Body) Size() int64 { return b.size }

// Read returns io.EOF only if the whole body arrived.
func (b *Body) Read(p []byte) (int, error) {
	for b.err == nil {
		begin := time.Now()
		n, err := b.current.read(p, b.opts.IdleTimeout)
		b.offset += int64(n)
		if errors.Is(err, io.EOF) && b.offset < b.size {
			err = io.ErrUnexpectedEOF
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			b.err = io.EOF
		default:
			b.err = b.resume(err)
		}
		// To ask a server again that is too slow would only keep others waiting.
		if slow := b.pace.Add(time.Since(begin), n); slow != nil && b.err == nil {
			b.err = slow
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, b.err
}

// Close ends the transfer.
func (b *Body) Close() error {
	b.current.close()
	b.client.CloseIdleConnections()
	return nil
}

// explain turns the error of a connection into that of the transfer.
func (b *Body) explain(err error) error {
	if cause := context.Cause(b.ctx); cause != nil {
		return cause
	}
	if typed, ok := errors.AsType[*failure.Error](err); ok {
		return typed
	}
	of := ""
	if b.size >= 0 {
		of = fmt.Sprintf(" of %d", b.size)
	}
	return failure.Transient(failure.Truncated,
		"%s: the transfer was cut after %d%s bytes: %s; check that the file at the server is complete", place(b.url), b.offset, of, egress.Explain(err, noHTTP))
}
