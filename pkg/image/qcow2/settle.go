// SPDX-License-Identifier: Apache-2.0

package qcow2

import (
	"cmp"
	"context"
	"slices"
)

// settle moves what was set aside to its place, once all tables are known. It
// goes through the spool front to back and frees it behind itself, so that the
// volume's file system holds no cluster twice.
func (d *decoder) settle(ctx context.Context) error {
	slices.SortFunc(d.late, func(a, b item) int { return cmp.Compare(a.host, b.host) })
	free := int64(0)
	for _, i := range d.late {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if i.host < free {
			return corrupt("the cluster at %#x has two uses", i.host)
		}
		free = i.floor()
		if err := d.settleItem(i); err != nil {
			return err
		}
	}
	d.late = nil
	return d.spool.drop()
}

func (d *decoder) settleItem(i item) error {
	kept, _ := d.spool.find(i.host)
	switch i.kind {
	case kindCompressed:
		raw := make([]byte, min(i.length, kept.length))
		if err := d.spool.read(raw, kept.at); err != nil {
			return err
		}
		d.submit(raw, i.guest)
	case kindData:
		return d.settleData(i, kept.at)
	}
	return nil
}

func (d *decoder) settleData(i item, at int64) error {
	buffer := make([]byte, min(i.length, chunkSize))
	for done := int64(0); done < i.length; {
		chunk := buffer[:min(i.length-done, chunkSize)]
		if err := d.spool.read(chunk, at+done); err != nil {
			return err
		}
		if _, err := d.opts.Guest.WriteAt(chunk, i.guest+done); err != nil {
			return err
		}
		if err := d.spool.free(at+done, int64(len(chunk))); err != nil {
			return err
		}
		done += int64(len(chunk))
	}
	return nil
}
