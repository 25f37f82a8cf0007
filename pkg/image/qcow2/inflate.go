// SPDX-License-Identifier: Apache-2.0

package qcow2

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/inflate"
)

// zstdWindow is the smallest window limit that any encoder of clusters needs.
const zstdWindow = 8 << 20

// inflater decompresses clusters beside the reading of the stream, as many at
// a time as there are processors. Their order does not matter: each is written
// to its own place.
type inflater struct {
	header   Header
	group    *errgroup.Group
	guest    io.WriterAt
	buffers  sync.Pool // of *bytes.Buffer: compressed clusters
	decoders sync.Pool // of clusterDecoder
}

// newInflater returns an inflater and the context that ends when one of its
// clusters fails.
func newInflater(ctx context.Context, h Header, guest io.WriterAt) (*inflater, context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	return &inflater{header: h, group: group, guest: guest}, ctx
}

// submit takes a copy of the compressed cluster p, whose first n bytes after
// decompression belong at the guest's offset off. It waits while all
// processors are busy.
func (f *inflater) submit(p []byte, off, n int64) {
	buffer, ok := f.buffers.Get().(*bytes.Buffer)
	if !ok {
		buffer = new(bytes.Buffer)
	}
	buffer.Reset()
	buffer.Write(p)
	f.group.Go(func() error {
		defer f.buffers.Put(buffer)
		return f.inflate(buffer.Bytes(), off, n)
	})
}

func (f *inflater) inflate(src []byte, off, n int64) error {
	decoder, ok := f.decoders.Get().(clusterDecoder)
	if !ok {
		var err error
		if decoder, err = newClusterDecoder(f.header); err != nil {
			return err
		}
	}
	defer f.decoders.Put(decoder)
	cluster, err := decoder.decode(src)
	if err != nil {
		return corrupt("the compressed cluster at guest offset %#x cannot be decompressed: %w", off, err)
	}
	_, err = f.guest.WriteAt(cluster[:n], off)
	return err
}

// wait returns the first error of all clusters.
func (f *inflater) wait() error { return f.group.Wait() }

// clusterDecoder decompresses one cluster at a time. What it returns stays
// valid until the next call; what follows the cluster in src does not matter.
type clusterDecoder interface {
	decode(src []byte) ([]byte, error)
}

func newClusterDecoder(h Header) (clusterDecoder, error) {
	if h.compression == compressionDeflate {
		return &deflateDecoder{inflate.NewDecoder(), int(h.ClusterSize)}, nil
	}
	reader, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return nil, err
	}
	return &zstdDecoder{reader: reader, cluster: make([]byte, h.ClusterSize)}, nil
}

type deflateDecoder struct {
	*inflate.Decoder
	size int
}

func (d *deflateDecoder) decode(src []byte) ([]byte, error) { return d.Decode(src, d.size) }

type zstdDecoder struct {
	reader  *zstd.Decoder
	src     bytes.Reader
	cluster []byte
}

func (d *zstdDecoder) decode(src []byte) ([]byte, error) {
	d.src.Reset(src)
	// A reader that is seen to be in memory would be decoded to its end, that
	// is, into what follows the cluster.
	if err := d.reader.Reset(struct{ io.Reader }{&d.src}); err != nil {
		return nil, err
	}
	_, err := io.ReadFull(d.reader, d.cluster)
	return d.cluster, err
}
