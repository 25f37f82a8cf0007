// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"encoding/xml"
	"fmt"
)

// Memory of a guest in bytes.
type Memory struct {
	// AtBoot is what it started with.
	AtBoot int64
	// Requested is what it is to have.
	Requested int64
	// Current is what it has taken.
	Current int64
	// Pluggable is how much may be added to what it started with; 0 where none can.
	Pluggable int64
}

// memoryXML is what is read of a domain; libvirtxml does not know what a device has given so far.
type memoryXML struct {
	Total   amount   `xml:"memory"`
	Cells   []amount `xml:"cpu>numa>cell"`
	Devices []struct {
		Model     string `xml:"model,attr"`
		Size      amount `xml:"target>size"`
		Requested amount `xml:"target>requested"`
		Current   amount `xml:"target>current"`
	} `xml:"devices>memory"`
}

// amount of memory: an attribute of a cell, the content of other elements.
type amount struct {
	Unit      string `xml:"unit,attr"`
	Attribute int64  `xml:"memory,attr"`
	Value     int64  `xml:",chardata"`
}

// bytes are few enough not to overflow: no address space has more.
func (a amount) bytes() (int64, error) {
	value := a.Value + a.Attribute
	if value < 0 || value > maxMemory {
		return 0, fmt.Errorf("domain: memory of %d %s", value, a.Unit)
	}
	switch a.Unit {
	case "b", "bytes":
		return value, nil
	case "", "KiB":
		return value << 10, nil
	}
	return 0, fmt.Errorf("domain: memory in %q", a.Unit)
}

// parseMemory reads the XML of a domain as libvirt writes it.
func parseMemory(text string) (Memory, error) {
	var parsed memoryXML
	if err := xml.Unmarshal([]byte(text), &parsed); err != nil {
		return Memory{}, fmt.Errorf("domain: %w", err)
	}
	boot, err := parsed.Total.bytes()
	for _, cell := range parsed.Cells {
		boot, err = cell.bytes() // there is one
	}
	if err != nil {
		return Memory{}, err
	}
	memory := Memory{AtBoot: boot, Requested: boot, Current: boot}
	for _, device := range parsed.Devices {
		if device.Model != memoryModel {
			continue
		}
		for to, from := range map[*int64]amount{&memory.Requested: device.Requested, &memory.Current: device.Current, &memory.Pluggable: device.Size} {
			value, err := from.bytes()
			if err != nil {
				return Memory{}, err
			}
			*to += value
		}
	}
	return memory, nil
}
