// SPDX-License-Identifier: Apache-2.0

package portforward

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// port is one that is forwarded.
type port struct {
	protocol string
	// local is 0 where any free port will do.
	local, remote uint16
}

func (p port) String() string { return fmt.Sprintf("%s/%d", p.protocol, p.remote) }

// parsePort reads [PROTOCOL/]LOCAL[:REMOTE] or [PROTOCOL/]:REMOTE.
func parsePort(text string) (port, error) {
	p := port{protocol: streams.TCP}
	rest := text
	if protocol, ports, found := strings.Cut(text, "/"); found {
		p.protocol, rest = strings.ToLower(protocol), ports
	}
	if p.protocol != streams.TCP && p.protocol != streams.UDP {
		return port{}, fmt.Errorf("%q: the protocol must be tcp or udp", text)
	}
	local, remote, both := strings.Cut(rest, ":")
	if !both {
		remote = local
	}
	var err error
	if p.remote, err = parseNumber(remote); err != nil {
		return port{}, fmt.Errorf("%q: %w", text, err)
	}
	if local == "" {
		return p, nil
	}
	if p.local, err = parseNumber(local); err != nil {
		return port{}, fmt.Errorf("%q: %w", text, err)
	}
	return p, nil
}

func parseNumber(text string) (uint16, error) {
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil || number == 0 {
		return 0, fmt.Errorf("a port must be from 1 to 65535, not %q", text)
	}
	return uint16(number), nil
}
