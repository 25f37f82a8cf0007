// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"io"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// Rate is what a source has to deliver.
type Rate struct {
	// Bytes within Window; time in which nobody reads does not count.
	Bytes  int64
	Window time.Duration
}

// Least is less than any connection brings over which an image can be had: 17 KiB in a second.
var Least = Rate{Bytes: 1 << 20, Window: time.Minute}

// Meter holds one source against a rate. It is not safe for concurrent use.
type Meter struct {
	rate   Rate
	waited time.Duration
	bytes  int64
}

// NewMeter returns a meter for rate, or for Least where it is zero.
func NewMeter(rate Rate) *Meter {
	if rate.Window <= 0 {
		rate = Least
	}
	return &Meter{rate: rate}
}

// Add notes that a read took so long and brought so much. The error is that it is too little.
func (m *Meter) Add(waited time.Duration, bytes int) error {
	m.waited += waited
	m.bytes += int64(bytes)
	if m.waited < m.rate.Window {
		return nil
	}
	if m.bytes < m.rate.Bytes {
		return failure.Transient(failure.Stalled,
			"only %d bytes arrived in %s: check the server and the network", m.bytes, m.waited.Round(time.Second))
	}
	m.waited, m.bytes = 0, 0
	return nil
}

// Left is how long the source may still take for what it has to deliver in this window.
func (m *Meter) Left() time.Duration { return m.rate.Window - m.waited }

// Reader is r under the meter.
func (m *Meter) Reader(r io.Reader) io.Reader { return &reader{r, m} }

type reader struct {
	r     io.Reader
	meter *Meter
}

func (r *reader) Read(p []byte) (int, error) {
	begin := time.Now()
	n, err := r.r.Read(p)
	if slow := r.meter.Add(time.Since(begin), n); slow != nil && err == nil {
		err = slow
	}
	return n, err
}
