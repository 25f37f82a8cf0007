// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/guestagent"
)

const (
	// firstSilence and lastSilence are how long an agent that did not answer is not asked again: each time in
	// a row twice as long. Guests that hang keep libvirt from asking others.
	firstSilence = time.Second
	lastSilence  = 30 * time.Second
)

// line is that to the agent of a guest, used by one at a time.
type line struct {
	turn chan struct{}

	mu      sync.Mutex
	until   time.Time
	silence time.Duration
}

func newLine() *line { return &line{turn: make(chan struct{}, 1)} }

// agentOf is the agent of a guest, whether it is there or not.
func (m *Manager) agentOf(g *guest) *guestagent.Agent {
	return guestagent.New(func(command string, timeout time.Duration) (string, error) {
		if err := g.line.take(timeout); err != nil {
			return "", err
		}
		answer, err := m.hypervisor.AskAgent(g.Ref, command, timeout)
		g.line.leave(err)
		return answer, err
	})
}

// take waits for the line until it is free; leave frees it.
func (l *line) take(patience time.Duration) error {
	if wait := l.wait(); wait > 0 {
		return fmt.Errorf("%w; it is asked again in %s", ErrNoAgent, wait.Round(time.Second))
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrAgentBusy
	}
}

func (l *line) wait() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.until)
}

func (l *line) leave(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case errors.Is(err, ErrNoAgent):
		l.silence = min(max(2*l.silence, firstSilence), lastSilence)
		l.until = time.Now().Add(l.silence)
	case err == nil:
		l.silence = 0
	}
	<-l.turn
}

// renew forgets that the agent did not answer: another came.
func (l *line) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silence, l.until = 0, time.Time{}
}
