// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// copies counts how often each disk is being copied now.
type copies struct {
	mu  sync.Mutex
	now map[types.UID]int
}

// begin counts a copy until the returned function is called, once.
func (c *copies) begin(uid types.UID) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil {
		c.now = map[types.UID]int{}
	}
	c.now[uid]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.now[uid]--; c.now[uid] == 0 {
			delete(c.now, uid)
		}
	}
}

func (c *copies) of(uid types.UID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now[uid] > 0
}

// OpenSource opens the claim's disk for reading. Until release is called no instance gets the disk. The error
// is a *workload.InUseError while one that may write to it has it.
func (s *Store) OpenSource(ctx context.Context, claim *corev1.PersistentVolumeClaim) (disk *os.File, release func(), err error) {
	if s.writer == nil {
		return nil, nil, targetError(claim, "copy", errors.New("nobody knows which instances use it"))
	}
	// In this order: an instance that comes later finds the copy, an earlier one is found.
	release = s.copies.begin(claim.UID)
	disk, err = s.openSource(ctx, claim)
	if err != nil {
		release()
		return nil, nil, targetError(claim, "copy", err)
	}
	return disk, release, nil
}

// openSource looks last whether the claim is there and nobody writes: what it opened before is then the claim's disk.
func (s *Store) openSource(ctx context.Context, claim *corev1.PersistentVolumeClaim) (*os.File, error) {
	disk, err := s.openFile(claim)
	if err != nil {
		return nil, err
	}
	writer, err := s.writer(ctx, claim)
	if err == nil && writer != "" {
		err = &workload.InUseError{Claim: types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}, Instance: writer}
	}
	if err != nil {
		return nil, errors.Join(err, disk.Close())
	}
	return disk, nil
}

// openFile opens the claim's file for reading.
func (s *Store) openFile(claim *corev1.PersistentVolumeClaim) (*os.File, error) {
	if takesDevice(claim) {
		return nil, errors.New("it is a block device of the machine, which is not copied: have a guest copy it")
	}
	if _, err := s.locate(claim); err != nil {
		return nil, err
	}
	dir, err := s.openDir(claim.UID)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return openDisk(dir, os.O_RDONLY)
}

// writerNow names an instance that has the claim and may write to it. Where the cache knows of none it asks the
// API itself. That the claim is gone is an error.
func (c *Controller) writerNow(ctx context.Context, claim *corev1.PersistentVolumeClaim) (string, error) {
	for _, user := range c.users(claim) {
		if vmi, ok := user.(*kubevirtv1.VirtualMachineInstance); ok && vmi.WritesClaim(claim.Name) {
			return vmi.Name, nil
		}
	}
	now, err := c.core.CoreV1().PersistentVolumeClaims(claim.Namespace).Get(ctx, claim.Name, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("look for the claim: %w", err)
	}
	if now.UID != claim.UID {
		return "", errors.New("the claim is gone, and another has its name")
	}
	users, err := c.usersNow(ctx, claim)
	if err != nil {
		return "", err
	}
	for _, vmi := range users {
		if vmi.WritesClaim(claim.Name) {
			return vmi.Name, nil
		}
	}
	return "", nil
}
