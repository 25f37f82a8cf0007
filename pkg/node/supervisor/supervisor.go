// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

const (
	firstDelay = 200 * time.Millisecond
	lastDelay  = 10 * time.Second
	// settled is how long a launcher must have run for its end not to count as a failed start.
	settled = time.Minute
	// startTimeout is for a launcher that was started until it answers.
	startTimeout = 15 * time.Second
	// checkPeriod is how often a running launcher is asked, and checkTimeout how long it may take.
	checkPeriod  = 10 * time.Second
	checkTimeout = 5 * time.Second
	// maxMisses in a row make a launcher that hangs.
	maxMisses = 3
	// stopTimeout is for a launcher that was asked to end, before it is made to.
	stopTimeout = 10 * time.Second
)

// Config says what to run.
type Config struct {
	// Command is the launcher's binary and arguments. It must listen on Socket.
	Command []string
	// Socket is the unix socket by which a running launcher is found.
	Socket string
	// LogFile takes the launcher's output; no more than twice maxLog is kept.
	LogFile string
	// Version that a launcher must tell to be adopted.
	Version string
}

// Supervisor keeps a launcher running.
type Supervisor struct {
	config Config
	client *api.Client

	mu      sync.Mutex
	trouble error
}

// New returns a Supervisor; Run runs it.
func New(config Config) *Supervisor {
	return &Supervisor{config: config, client: api.NewClient(config.Socket), trouble: errors.New("the launcher has not been started yet")}
}

// Ready returns nil while a launcher of the right version answers, else why not and what to do. It does
// not wait. That libvirt answers is not part of it: see the launcher's health.
func (s *Supervisor) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}

func (s *Supervisor) setTrouble(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = err
}

// Run keeps a launcher running until ctx is done. The launcher then runs on.
func (s *Supervisor) Run(ctx context.Context) error {
	logger := klog.FromContext(ctx)
	delay := firstDelay
	for {
		began := time.Now()
		err := s.runOne(ctx)
		if ctx.Err() != nil {
			return nil
		}
		s.setTrouble(err)
		if time.Since(began) > settled {
			delay = firstDelay
		}
		logger.Error(err, "No launcher, starting one", "delay", delay)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(delay):
		}
		delay = min(2*delay, lastDelay)
	}
}

// Retire ends the launcher if it has no domain. It comes after Run has returned, and what is asked of the launcher
// has ended. One that does not know its domains stays.
func (s *Supervisor) Retire(ctx context.Context) error {
	launcher, err := listener(s.config.Socket)
	if launcher == nil || err != nil {
		return err
	}
	defer launcher.close()
	asking, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if domains, err := s.client.List(asking); err != nil || len(domains) > 0 {
		klog.FromContext(ctx).V(2).Info("The launcher stays", "pid", launcher.pid, "domains", len(domains), "err", err)
		return nil
	}
	return launcher.stop(ctx)
}

// runOne adopts the launcher that is there or starts one, and returns why it is not there any more.
func (s *Supervisor) runOne(ctx context.Context) error {
	launcher, err := s.adopt(ctx)
	if launcher == nil && err == nil {
		launcher, err = s.start(ctx)
	}
	if err != nil {
		return err
	}
	defer launcher.close()
	s.setTrouble(nil)
	return s.watch(ctx, launcher)
}

// adopt returns the launcher that listens on the socket, or nil where there is none. One that is of
// another version, was started with other arguments, or hangs, is ended.
func (s *Supervisor) adopt(ctx context.Context) (*process, error) {
	logger := klog.FromContext(ctx)
	launcher, err := listener(s.config.Socket)
	if launcher == nil || err != nil {
		return nil, err
	}
	health, err := s.ask(ctx)
	switch {
	case ctx.Err() != nil:
		launcher.close()
		return nil, ctx.Err()
	case err != nil:
		logger.Info("Replacing a launcher that does not answer", "pid", launcher.pid, "err", err)
	case health.Version != s.config.Version:
		logger.Info("Replacing a launcher of another version", "pid", launcher.pid, "its", health.Version, "ours", s.config.Version)
	case !slices.Equal(health.Arguments, s.config.Command[1:]):
		logger.Info("Replacing a launcher that was started otherwise", "pid", launcher.pid, "its", health.Arguments, "ours", s.config.Command[1:])
	default:
		logger.Info("Found the launcher", "pid", launcher.pid)
		return launcher, nil
	}
	defer launcher.close()
	return nil, launcher.stop(ctx)
}

// start starts a launcher and waits until it answers.
func (s *Supervisor) start(ctx context.Context) (*process, error) {
	launcher, err := spawn(s.config)
	if err != nil {
		return nil, err
	}
	klog.FromContext(ctx).Info("Started the launcher", "pid", launcher.pid)
	deadline := time.Now().Add(startTimeout)
	for {
		if ended := launcher.waitFor(ctx, 50*time.Millisecond); ended {
			launcher.close()
			return nil, fmt.Errorf("the launcher ended at its start: %s", lastWords(s.config.LogFile))
		}
		if _, err = s.ask(ctx); err == nil {
			return launcher, nil
		}
		if ctx.Err() != nil {
			launcher.close()
			return nil, ctx.Err()
		}
		if time.Now().After(deadline) {
			defer launcher.close()
			return nil, errors.Join(fmt.Errorf("the launcher does not answer: %w", err), launcher.stop(ctx))
		}
	}
}

// watch returns when the launcher has ended, hangs and was ended, or ctx is done.
func (s *Supervisor) watch(ctx context.Context, launcher *process) error {
	misses := 0
	for {
		if ended := launcher.waitFor(ctx, checkPeriod); ended {
			return fmt.Errorf("the launcher ended; its log ends with: %s", lastWords(s.config.LogFile))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		capLog(s.config.LogFile)
		if _, err := s.ask(ctx); err == nil {
			misses = 0
			s.setTrouble(nil)
		} else if misses++; misses < maxMisses {
			s.setTrouble(fmt.Errorf("the launcher does not answer: %w", err))
		} else {
			return errors.Join(fmt.Errorf("the launcher hangs: %w", err), launcher.stop(ctx))
		}
	}
}

func (s *Supervisor) ask(ctx context.Context) (*api.Health, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return s.client.Health(ctx)
}
