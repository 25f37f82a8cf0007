// SPDX-License-Identifier: Apache-2.0

package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	// tryTime is how long one resolver may take.
	tryTime = 4 * time.Second
	// maxResolvers of the host are asked, as its own library does.
	maxResolvers = 3
)

var errNoResolvers = errors.New("the host has no resolvers")

// upstream asks the host's resolvers. It follows the file that names them.
type upstream struct {
	file string

	mu       sync.Mutex
	modified time.Time
	servers  []string
}

// resolvers returns the addresses of the host's resolvers.
func (u *upstream) resolvers() ([]string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	info, err := os.Stat(u.file)
	if err != nil {
		return nil, fmt.Errorf("find the host's resolvers: %w", err)
	}
	if info.ModTime().Equal(u.modified) {
		return u.servers, nil
	}
	config, err := dns.ClientConfigFromFile(u.file)
	if err != nil {
		return nil, fmt.Errorf("read the host's resolvers: %w", err)
	}
	u.servers, u.modified = nil, info.ModTime()
	for _, server := range config.Servers[:min(len(config.Servers), maxResolvers)] {
		u.servers = append(u.servers, net.JoinHostPort(server, config.Port))
	}
	return u.servers, nil
}

// ask returns the answer of the first resolver that gives one.
func (u *upstream) ask(ctx context.Context, query *dns.Msg, network string) (*dns.Msg, error) {
	servers, err := u.resolvers()
	if err != nil {
		return nil, err
	}
	err = errNoResolvers
	for _, server := range servers {
		client := &dns.Client{Net: network, Timeout: tryTime}
		answer, _, failure := client.ExchangeContext(ctx, query, server)
		if failure == nil {
			return answer, nil
		}
		err = fmt.Errorf("ask %s: %w", server, failure)
	}
	return nil, err
}
