// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"k8s.io/klog/v2"
)

const (
	dataName = "data"
	// initName is where the data of a new server begin. They get their name only when they are whole.
	initName = "data.init"
)

// Config says where a Server keeps its files.
type Config struct {
	// Dir is made when it is missing; its parent must exist.
	Dir string
}

// Server is a running etcd.
type Server struct {
	member  *member
	reserve *reserve
	root    *os.Root
	dir     *os.File
	lock    *os.File
	failed  chan error
	// stopReserve ends what looks after the room for the database.
	stopReserve context.CancelFunc
	reserving   sync.WaitGroup
	closeOnce   sync.Once
}

// Start returns once the server serves. It fails at once when another process serves the same directory, and
// when the data are of an etcd that this one cannot read. Canceling ctx gives up starting; it does not stop a
// server that has started.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	lifetime, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Server{failed: make(chan error, 1), stopReserve: stop}
	if err := s.start(ctx, cfg.Dir); err != nil {
		stop()
		s.release()
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	s.reserving.Go(func() { s.reserve.run(lifetime) })
	go func() {
		if err := s.member.failure(); err != nil {
			s.failed <- err
		}
	}()
	return s, nil
}

// ServerList is what the API server's storage options take as the addresses of etcd. They are good within this
// process only; other processes of the owner find client.sock in the directory.
func (s *Server) ServerList() []string {
	endpoint := socketURL(s.dir, clientSocket)
	return []string{endpoint.String()}
}

// Err yields one error if the server stops without having been closed. The process should then end: what it
// had accepted is on disk, and the next start goes on from there.
func (s *Server) Err() <-chan error { return s.failed }

// Close stops the server and frees the directory. All clients should be closed before: those that are not
// are cut off after some seconds.
func (s *Server) Close() {
	s.closeOnce.Do(func() {
		s.stopReserve()
		s.reserving.Wait()
		s.member.Close()
		s.release()
	})
}

func (s *Server) start(ctx context.Context, dir string) (err error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if s.root, err = os.OpenRoot(dir); err != nil {
		return err
	}
	if err := s.root.Chmod(".", 0o700); err != nil {
		return err
	}
	if s.lock, err = acquireLock(s.root); err != nil {
		return err
	}
	if err := checkVersion(s.root); err != nil {
		return err
	}
	if s.dir, err = s.root.Open("."); err != nil {
		return err
	}
	if s.reserve, err = newReserve(s.root, s.dir); err != nil {
		return err
	}
	// A database that ended for lack of room finds it here.
	if err := s.reserve.keep(ctx); err != nil {
		klog.FromContext(ctx).Error(err, "There may be no room for the database")
	}
	if err := s.initialize(ctx, dir); err != nil {
		return fmt.Errorf("initialize %s: %w", dir, err)
	}
	if s.member, err = startMember(ctx, filepath.Join(dir, dataName), s.dir, servingTick); err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	return nil
}

// initialize makes the data of a new server under another name, so that a crash on the way leaves nothing that
// etcd takes for a member that had joined a cluster.
func (s *Server) initialize(ctx context.Context, dir string) error {
	if _, err := s.root.Lstat(dataName); err == nil {
		return recordVersion(s.root)
	}
	if err := s.root.RemoveAll(initName); err != nil {
		return err
	}
	first, err := startMember(ctx, filepath.Join(dir, initName), s.dir, initializingTick)
	if err != nil {
		return err
	}
	first.Close()
	if err := recordVersion(s.root); err != nil {
		return err
	}
	if err := s.root.Rename(initName, dataName); err != nil {
		return err
	}
	return s.dir.Sync()
}

func (s *Server) release() {
	for _, f := range []*os.File{s.dir, s.lock} {
		if f != nil {
			f.Close()
		}
	}
	if s.root != nil {
		s.root.Close()
	}
}
