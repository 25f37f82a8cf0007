// SPDX-License-Identifier: Apache-2.0

package launchertest

// What the guest does when it reads one of these on its serial console. Anything else it sends back.
const (
	// GuestPowerOff powers the guest off.
	GuestPowerOff = "P"
	// GuestReset resets it.
	GuestReset = "R"
	// GuestPanic has it tell its host of a panic.
	GuestPanic = "C"
	// GuestDeaf has it send the letter back and ignore the power button from then on.
	GuestDeaf = "D"
)

// GuestReady is what the guest sends once it listens.
const GuestReady = "READY\r\n"

// GuestImage returns a bootable disk for a BIOS: a guest of one sector. It powers itself off when its power
// button is pressed, and sleeps otherwise, so that many of them cost little.
func GuestImage() []byte {
	image := make([]byte, 1<<20)
	copy(image, guestCode())
	image[510], image[511] = 0x55, 0xaa
	return image
}

// guestCode is 16-bit code at 0x7c00.
func guestCode() []byte {
	code := []byte{
		0xfa,       // cli
		0x31, 0xc0, // xor ax, ax
		0x8e, 0xd8, // mov ds, ax
		0x8e, 0xd0, // mov ss, ax
		0xbc, 0x00, 0x7c, // mov sp, 0x7c00
		// Serial port: 115200 baud, 8 bits, no parity, both modem lines on.
		0xba, 0xfb, 0x03, // mov dx, 0x3fb
		0xb0, 0x80, // mov al, 0x80
		0xee,             // out dx, al
		0xba, 0xf8, 0x03, // mov dx, 0x3f8
		0xb0, 0x01, // mov al, 1
		0xee,       // out dx, al
		0x42,       // inc dx
		0x30, 0xc0, // xor al, al
		0xee,             // out dx, al
		0xba, 0xfb, 0x03, // mov dx, 0x3fb
		0xb0, 0x03, // mov al, 3
		0xee, // out dx, al
		0x42, // inc dx
		0xee, // out dx, al
		// ACPI: let the power button be seen.
		0xba, 0x02, 0x06, // mov dx, 0x602
		0xb8, 0x00, 0x01, // mov ax, 0x100
		0xef, // out dx, ax
		// Say READY.
		0xbe, 0x98, 0x7c, // mov si, ready
		0xac,       // next: lodsb
		0x84, 0xc0, // test al, al
		0x74, 0x05, // jz run
		0xe8, 0x54, 0x00, // call put
		0xeb, 0xf6, // jmp next
		// run: sleep until the timer, 18 times a second.
		0xfb, // sti
		0xf4, // hlt
		// poll: the power button.
		0xba, 0x00, 0x06, // mov dx, 0x600
		0xed,             // in ax, dx
		0xf6, 0xc4, 0x01, // test ah, 1
		0x74, 0x08, // jz serial
		0xef,                         // out dx, ax
		0x80, 0x3e, 0x97, 0x7c, 0x00, // cmp byte [deaf], 0
		0x74, 0x26, // je off
		// serial:
		0xba, 0xfd, 0x03, // mov dx, 0x3fd
		0xec,       // in al, dx
		0xa8, 0x01, // test al, 1
		0x74, 0xe5, // jz run
		0xba, 0xf8, 0x03, // mov dx, 0x3f8
		0xec,       // in al, dx
		0x3c, 0x50, // cmp al, 'P'
		0x74, 0x16, // je off
		0x3c, 0x52, // cmp al, 'R'
		0x74, 0x1b, // je reset
		0x3c, 0x43, // cmp al, 'C'
		0x74, 0x1f, // je panic
		0x3c, 0x44, // cmp al, 'D'
		0x75, 0x05, // jne echo
		0xc6, 0x06, 0x97, 0x7c, 0x01, // mov byte [deaf], 1
		0xe8, 0x1b, 0x00, // echo: call put
		0xeb, 0xc9, // jmp poll
		0xba, 0x04, 0x06, // off: mov dx, 0x604
		0xb8, 0x00, 0x20, // mov ax, 0x2000
		0xef,       // out dx, ax
		0xeb, 0xbe, // jmp run
		0xb0, 0x06, // reset: mov al, 6
		0xba, 0xf9, 0x0c, // mov dx, 0xcf9
		0xee,       // out dx, al
		0xeb, 0xb6, // jmp run
		0xb0, 0x01, // panic: mov al, 1
		0xba, 0x05, 0x05, // mov dx, 0x505
		0xee,       // out dx, al
		0xeb, 0xae, // jmp run
		0x50,             // put: push ax
		0xba, 0xfd, 0x03, // mov dx, 0x3fd
		0xec,       // wait: in al, dx
		0xa8, 0x20, // test al, 0x20
		0x74, 0xfb, // jz wait
		0x58,             // pop ax
		0xba, 0xf8, 0x03, // mov dx, 0x3f8
		0xee, // out dx, al
		0xc3, // ret
		0x00, // deaf: db 0
	}
	return append(append(code, GuestReady...), 0)
}
