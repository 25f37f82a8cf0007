// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// HeartbeatPeriod is how often the launcher sends an empty line into a quiet watch.
	HeartbeatPeriod = 10 * time.Second
	// watchSilence after which a watch is given up: the launcher hangs.
	watchSilence = 3 * HeartbeatPeriod
)

// Watch calls handle for each event of the launcher's domains, in order, until ctx ends, handle fails or
// the launcher goes away; it always returns an error. Between two events of a domain, states may be
// skipped; the last one never is. After an error, watch again: a stream begins with everything.
func (c *Client) Watch(ctx context.Context, handle func(Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answer, err := c.send(ctx, http.MethodGet, "/v1/domains?watch=true", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	silence := time.AfterFunc(watchSilence, cancel)
	defer silence.Stop()
	events := json.NewDecoder(&aliveReader{answer.Body, silence})
	for {
		var event Event
		if err := events.Decode(&event); err != nil {
			return fmt.Errorf("launcher: watch: %w", err)
		}
		silence.Stop()
		if err := handle(event); err != nil {
			return err
		}
		silence.Reset(watchSilence)
	}
}

// aliveReader puts the end of a watch off each time something arrives, heartbeats too.
type aliveReader struct {
	io.Reader
	silence *time.Timer
}

func (r *aliveReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.silence.Reset(watchSilence)
	}
	return n, err
}
