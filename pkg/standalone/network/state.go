// SPDX-License-Identifier: Apache-2.0

package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"regexp"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/leases"
)

const (
	stateFile = "network.json"
	maxState  = 4 << 10
)

var instances = regexp.MustCompile(`^[0-9a-f]{12}$`)

// state is what was chosen when the network was first made.
type state struct {
	// Instance is the server's, from which names of devices are made.
	Instance string       `json:"instance"`
	Bridge   string       `json:"bridge"`
	CIDR     netip.Prefix `json:"cidr"`
}

func readState(root *os.Root) (state, error) {
	f, err := root.Open(stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxState))
	if err != nil {
		return state{}, err
	}
	chosen, err := decodeState(raw)
	if err != nil {
		return state{}, fmt.Errorf("%s/%s: %w; remove it to have a network chosen anew", root.Name(), stateFile, err)
	}
	return chosen, nil
}

func decodeState(raw []byte) (state, error) {
	var chosen state
	if err := json.Unmarshal(raw, &chosen); err != nil {
		return state{}, err
	}
	if !instances.MatchString(chosen.Instance) {
		return state{}, fmt.Errorf("instance %q: must be 12 hexadecimal digits", chosen.Instance)
	}
	if err := CheckBridge(chosen.Bridge); err != nil {
		return state{}, fmt.Errorf("bridge %w", err)
	}
	if _, err := ParseCIDR(chosen.CIDR.String()); err != nil {
		return state{}, fmt.Errorf("cidr %w", err)
	}
	return chosen, nil
}

func (s state) write(root *os.Root) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return leases.Replace(root, stateFile, raw)
}

// gateway is the first address of the range.
func (s state) gateway() netip.Prefix {
	return netip.PrefixFrom(s.CIDR.Masked().Addr().Next(), s.CIDR.Bits())
}
