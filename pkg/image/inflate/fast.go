// SPDX-License-Identifier: Apache-2.0

package inflate

import "encoding/binary"

// fast decodes symbols while neither the input nor the result is near its end,
// so that only what the data can get wrong is checked. It stops before a
// symbol that is wrong, which then is found again, and reports whether the
// block ended.
func (d *Decoder) fast() (end bool) {
	src, out := d.src, d.out
	pos, filled, stop := d.pos, d.filled, d.size
	bits, have := d.bits, d.have
	// Arrays spare the loop the checks of an index that is masked anyway.
	literals := (*[1 << literalBits]entry)(d.literals.entries)
	distances := (*[1 << distBits]entry)(d.distances.entries)
	for pos+8 <= len(src) && filled < stop {
		bits |= binary.LittleEndian.Uint64(src[pos:]) << (have & 63)
		pos += int((63 - have) >> 3)
		have |= 56

		// 56 bits are enough for two literals, of at most 11 bits each.
		e := literals[bits&(1<<literalBits-1)]
		if e&kindLiteral != 0 {
			out[filled] = byte(e >> 16)
			filled++
			bits >>= e.total()
			have -= e.total()
			e = literals[bits&(1<<literalBits-1)]
			if e&kindLiteral != 0 {
				out[filled] = byte(e >> 16)
				filled++
				bits >>= e.total()
				have -= e.total()
				continue
			}
		}
		// A length and a distance may take 48: the same entry comes again.
		if have < 48 {
			continue
		}
		if e&kindTable != 0 {
			e = d.literals.lookup(bits)
			if e&kindLiteral != 0 {
				out[filled] = byte(e >> 16)
				filled++
				bits >>= e.total()
				have -= e.total()
				continue
			}
		}
		if e&kindEnd != 0 {
			bits >>= e.total()
			have -= e.total()
			end = true
			break
		}
		rest := bits >> e.total()
		f := distances[rest&(1<<distBits-1)]
		if f&kindTable != 0 {
			f = d.distances.lookup(rest)
		}
		length, distance := e.take(bits), f.take(rest)
		if e.total() == 0 || f.total() == 0 || distance > filled {
			break
		}
		match(out, filled, distance, length)
		filled += length
		bits = rest >> f.total()
		have -= e.total() + f.total()
	}
	d.pos, d.filled, d.bits, d.have = pos, min(filled, stop), bits, have
	return end
}

// match repeats the length bytes that lie distance before at. It may write up
// to seven bytes more.
func match(out []byte, at, distance, length int) {
	from := at - distance
	if distance >= 8 {
		for end := at + length; at < end; at, from = at+8, from+8 {
			binary.LittleEndian.PutUint64(out[at:], binary.LittleEndian.Uint64(out[from:]))
		}
		return
	}
	for i := range length {
		out[at+i] = out[from+i]
	}
}
