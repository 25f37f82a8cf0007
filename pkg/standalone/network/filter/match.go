// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// match is a condition, or what follows from those before it.
type match []expr.Any

const (
	// register holds what a condition looks at. Registers of 4 bytes count from reg32.
	register = 1
	reg32    = 8
	// Where fields begin in their headers.
	etherSource     = 6
	ipSource        = 12
	ipDestination   = 16
	arpSourceMAC    = 8
	arpSourceIP     = 14
	portDestination = 2
	icmpType        = 0
	// Types of ICMP messages.
	icmpRedirect    = 5
	icmpEchoRequest = 8
)

func all(matches ...match) []expr.Any {
	var expressions []expr.Any
	for _, m := range matches {
		expressions = append(expressions, m...)
	}
	return expressions
}

func compare(load expr.Any, op expr.CmpOp, data []byte) match {
	return match{load, &expr.Cmp{Op: op, Register: register, Data: data}}
}

// device pads a name as the kernel keeps it.
func device(name string) []byte {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return padded
}

func from(name string) match {
	return compare(&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: register}, expr.CmpOpEq, device(name))
}

func notFrom(name string) match {
	return compare(&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: register}, expr.CmpOpNeq, device(name))
}

func to(name string) match {
	return compare(&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: register}, expr.CmpOpEq, device(name))
}

func notTo(name string) match {
	return compare(&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: register}, expr.CmpOpNeq, device(name))
}

// fromPrefix matches all devices whose names begin so.
func fromPrefix(prefix string) match {
	return compare(&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: register}, expr.CmpOpEq, []byte(prefix))
}

func etherType(kind uint16) match {
	return compare(&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: register}, expr.CmpOpEq, binaryutil.BigEndian.PutUint16(kind))
}

func protocol(number byte) match {
	return compare(&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register}, expr.CmpOpEq, []byte{number})
}

func load(base expr.PayloadBase, offset, length, into uint32) expr.Any {
	return &expr.Payload{Base: base, Offset: offset, Len: length, DestRegister: into}
}

func port(number uint16) match {
	return compare(load(expr.PayloadBaseTransportHeader, portDestination, 2, register), expr.CmpOpEq, binaryutil.BigEndian.PutUint16(number))
}

func icmp(kind byte) match {
	return append(protocol(unix.IPPROTO_ICMP),
		compare(load(expr.PayloadBaseTransportHeader, icmpType, 1, register), expr.CmpOpEq, []byte{kind})...)
}

func source(address netip.Addr) match {
	return compare(load(expr.PayloadBaseNetworkHeader, ipSource, 4, register), expr.CmpOpEq, address.AsSlice())
}

func destination(address netip.Addr) match {
	return compare(load(expr.PayloadBaseNetworkHeader, ipDestination, 4, register), expr.CmpOpEq, address.AsSlice())
}

func sourceIn(network netip.Prefix) match { return within(ipSource, network) }

func destinationIn(network netip.Prefix) match { return within(ipDestination, network) }

func within(offset uint32, network netip.Prefix) match {
	mask := binaryutil.BigEndian.PutUint32(^uint32(0) << (32 - network.Bits()))
	return match{
		load(expr.PayloadBaseNetworkHeader, offset, 4, register),
		&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: 4, Mask: mask, Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: network.Masked().Addr().AsSlice()},
	}
}

// known matches packets of connections that were let through, and errors about them.
func known() match {
	bits := expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED
	return match{
		&expr.Ct{Key: expr.CtKeySTATE, Register: register},
		&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(bits), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: register, Data: make([]byte, 4)},
	}
}

// in matches where the fields, one after the other in registers from reg32, are in the set.
func in(set *nftables.Set, fields ...expr.Any) match {
	return append(fields, &expr.Lookup{SourceRegister: reg32, SetName: set.Name, SetID: set.ID})
}

func verdict(kind expr.VerdictKind) match { return match{&expr.Verdict{Kind: kind}} }

func accept() match { return verdict(expr.VerdictAccept) }

func drop() match { return verdict(expr.VerdictDrop) }

func jump(chain string) match { return match{&expr.Verdict{Kind: expr.VerdictJump, Chain: chain}} }
