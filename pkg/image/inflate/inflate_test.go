// SPDX-License-Identifier: Apache-2.0

package inflate_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/inflate"
)

// deflated returns content compressed at a level of the standard library.
func deflated(t testing.TB, content []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	require.NoError(t, err)
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// contents are of every kind that makes a compressor behave in another way.
func contents() map[string][]byte {
	rng := rand.New(rand.NewPCG(1, 1))
	fill := func(n int, f func(i int) byte) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = f(i)
		}
		return b
	}
	words := []byte{}
	for len(words) < 65536 {
		words = fmt.Appendf(words, "%s%d ", [...]string{"alpha", "beta", "gamma delta"}[rng.IntN(3)], rng.IntN(50))
	}
	return map[string][]byte{
		"one byte": {7},
		"zeros":    make([]byte, 65536),
		"random":   fill(65536, func(int) byte { return byte(rng.Uint32()) }),
		"few":      fill(65536, func(int) byte { return byte(rng.Uint32() % 3) }),
		"skewed":   fill(65536, func(int) byte { return byte(rng.ExpFloat64() * 12) }),
		"periods":  fill(65536, func(i int) byte { return byte(i % (1 + i/4096)) }),
		"far":      fill(2<<20, func(i int) byte { return byte(i>>9) ^ byte(i*7) }),
		"words":    words[:65536],
	}
}

func TestDecodeReadsWhatCompressorsWrite(t *testing.T) {
	t.Parallel()
	decoder := inflate.NewDecoder()
	for name, content := range contents() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6, 9} {
			src := deflated(t, content, level)
			for _, tail := range []int{0, 1, 7, 300} {
				got, err := decoder.Decode(append(bytes.Clone(src), make([]byte, tail)...), len(content))
				require.NoError(t, err, "%s at level %d", name, level)
				require.True(t, bytes.Equal(content, got), "%s at level %d", name, level)
			}
		}
	}
}

func TestDecodeReturnsAsMuchAsIsWanted(t *testing.T) {
	t.Parallel()
	decoder := inflate.NewDecoder()
	for name, content := range contents() {
		src := deflated(t, content, 6)
		for size := 0; size <= len(content); size += 1 + len(content)/97 {
			got, err := decoder.Decode(src, size)
			require.NoError(t, err, "%s, %d bytes", name, size)
			require.True(t, bytes.Equal(content[:size], got), "%s, %d bytes", name, size)
		}
		_, err := decoder.Decode(src, len(content)+1)
		require.ErrorIs(t, err, inflate.ErrCorrupt, name)
	}
}

func TestDecodeRefusesInputThatEndsTooEarly(t *testing.T) {
	t.Parallel()
	decoder := inflate.NewDecoder()
	all := contents()
	delete(all, "one byte") // has all of its content in the first half
	for name, content := range all {
		for _, level := range []int{0, 1, 9} {
			src := deflated(t, content, level)
			for n := 0; n < len(src)/2; n += 1 + len(src)/37 {
				_, err := decoder.Decode(bytes.Clone(src[:n]), len(content))
				require.ErrorIs(t, err, inflate.ErrCorrupt, "%s, level %d, %d bytes", name, level, n)
			}
		}
	}
}

// FuzzInflate compares with the standard library, which keeps back some of
// what it had decoded when the rest is corrupt, and then cannot be compared.
func FuzzInflate(f *testing.F) {
	for _, content := range contents() {
		for _, level := range []int{flate.HuffmanOnly, 0, 6} {
			f.Add(deflated(f, content[:min(len(content), 3000)], level), 1000)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, size int) {
		size &= 0x3fff
		want := make([]byte, size)
		_, werr := io.ReadFull(flate.NewReader(bytes.NewReader(src)), want)
		got, err := inflate.NewDecoder().Decode(bytes.Clone(src), size)
		if werr == nil && (err != nil || !bytes.Equal(want, got)) {
			t.Fatalf("the result differs, error %v", err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	content := contents()["words"]
	src := deflated(b, content, 6)
	b.Run("this package", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		decoder := inflate.NewDecoder()
		for b.Loop() {
			_, err := decoder.Decode(src, len(content))
			require.NoError(b, err)
		}
	})
	b.Run("the standard library", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		in, out := bytes.NewReader(src), make([]byte, len(content))
		reader := flate.NewReader(in)
		for b.Loop() {
			in.Reset(src)
			require.NoError(b, reader.(flate.Resetter).Reset(in, nil))
			_, err := io.ReadFull(reader, out)
			require.NoError(b, err)
		}
	})
}
