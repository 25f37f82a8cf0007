// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bufio"
	"context"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// maxSearched is how much of a container image is unpacked in search of a file
// that is taken as it is: images with a whole system are large.
const maxSearched = 64 << 30

// checkPlain refuses a file of size bytes that is larger than it may be.
func checkPlain(src source.Container, size int64, opts Options) error {
	if src.Plain && size > opts.Size {
		return failure.Permanent(failure.ImageTooLarge,
			"%s has %d bytes in the image, more than the %d MiB that it may have", src.Path, size, opts.Size>>20)
	}
	return nil
}

// copyPlain writes what t yields to the volume, whatever it is.
func (v *volume) copyPlain(_ context.Context, t *transfer) (Result, error) {
	size, err := v.copyRaw(bufio.NewReaderSize(t, readSize), t.stream.Length)
	return Result{VirtualSizeBytes: size}, err
}
