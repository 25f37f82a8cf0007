// SPDX-License-Identifier: Apache-2.0

package httpsource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

const (
	// maxResumes bounds how often in a row a transfer is picked up again.
	maxResumes = 5
	// resumeProgress is how much must arrive for a row to end.
	resumeProgress = 16 << 20
)

// resumes counts how often in a row a transfer was picked up without getting on.
type resumes struct {
	row  int
	mark int64 // offset at which the row began
}

// next returns how many there were in a row at offset, this one included.
func (r *resumes) next(offset int64) int {
	if offset-r.mark >= resumeProgress {
		r.row, r.mark = 0, offset
	}
	r.row++
	return r.row
}

// validator returns what identifies the image for a later If-Range, or "" if
// the server offers nothing that tells for sure whether it changed.
func validator(resp *http.Response) string {
	if resp.ContentLength < 0 || !strings.EqualFold(resp.Header.Get("Accept-Ranges"), "bytes") {
		return ""
	}
	if tag := resp.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	modified := resp.Header.Get("Last-Modified")
	changed, err := http.ParseTime(modified)
	if err != nil {
		return ""
	}
	// A date is exact to the second: one that is as young as the response may
	// stand for two versions.
	sent, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || sent.Sub(changed) < time.Second {
		return ""
	}
	return modified
}

// resume goes on where the connection broke with cause. It returns nil once
// another connection is there, else why the transfer is over.
func (b *Body) resume(cause error) error {
	b.current.close()
	for begin := time.Now(); b.validator != "" && b.ctx.Err() == nil && time.Since(begin) < b.pace.Left(); {
		row := b.resumes.next(b.offset)
		if row > maxResumes {
			break
		}
		if err := wait(b.ctx, b.opts.ResumeDelay<<(row-1)); err != nil {
			return err
		}
		again, err := b.reconnect()
		if err != nil {
			return b.explain(cause)
		}
		if again != nil {
			b.current = again
			return nil
		}
	}
	return b.explain(cause)
}

// errChanged says that the server does not continue the same image.
var errChanged = errors.New("the server does not continue the transfer")

// reconnect asks for the rest of the image. It returns neither a connection
// nor an error if it is worth another try.
func (b *Body) reconnect() (*connection, error) {
	c, err := b.connect(http.Header{
		"Range":    {fmt.Sprintf("bytes=%d-", b.offset)},
		"If-Range": {b.validator},
	})
	if err != nil {
		typed, ok := errors.AsType[*failure.Error](err)
		if ok && !typed.Permanent {
			return nil, nil
		}
		return nil, err
	}
	want := fmt.Sprintf("bytes %d-%d/%d", b.offset, b.size-1, b.size)
	switch {
	case c.resp.StatusCode == http.StatusPartialContent && c.resp.Header.Get("Content-Range") == want:
		return c, nil
	case c.resp.StatusCode >= 500:
		c.close()
		return nil, nil
	}
	c.close()
	return nil, errChanged
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
