// SPDX-License-Identifier: Apache-2.0

package httpsource_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/pace"
)

func TestAServerThatDripsIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	src := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		w.Header().Set("Accept-Ranges", "bytes")
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Length", "1000000000")
		for ticker := time.NewTicker(time.Millisecond); ; {
			if _, err := w.Write([]byte{1}); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-ticker.C:
			case <-r.Context().Done():
				return
			}
		}
	}))
	opts := quick()
	opts.Rate = pace.Rate{Bytes: 1 << 20, Window: 50 * time.Millisecond}
	_, err := readAll(t, src, opts)
	requireFailure(t, err, failure.Stalled, false)
	require.EqualValues(t, 1, requests.Load())
}
