// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"os/user"
	"strconv"

	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

const (
	// firstUser and userCount are a range of numbers that neither people nor services nor containers are given.
	firstUser = 0x7000_0000
	userCount = 0x1000_0000
	// tpmGroup may pass through the directory of the sockets of trusted platform modules, as libvirt makes it. Each socket
	// is its domain's alone.
	tpmGroup = "tss"
)

// takeUser gives a locked instance, once, a user that no other instance's QEMU runs as: what one can open, another
// can't. It returns nil where all run as libvirt's own user does.
func (m *Manager) takeUser(g *guest, spec *kubevirtv1.DomainSpec) (*domain.User, error) {
	if !m.options.SeparateUsers {
		return nil, nil
	}
	if err := letPass(m.host.libvirtState); err != nil {
		return nil, fmt.Errorf("let the users of domains through to their directories: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for try := 0; g.record.User == 0; try++ {
		user := userFor(g.UID, try)
		if _, taken := m.users[user]; taken {
			continue
		}
		m.users[user] = g.UID
		g.record.User = user
	}
	user := &domain.User{UID: g.record.User, GID: g.record.User}
	if spec.Devices.TPM.On() {
		group, err := m.host.group(tpmGroup)
		if err != nil {
			return nil, fmt.Errorf("spec.domain.devices.tpm: find the group of the program swtpm: %w", err)
		}
		user.GID = group
	}
	return user, nil
}

// letPass lets every user through a directory, but does not let them list it. Libvirt keeps a directory for each
// domain in its own; upstream's packages give that one mode 0751 for this reason, Debian's mode 0750.
func letPass(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o001 != 0 {
		return err
	}
	return os.Chmod(dir, info.Mode().Perm()|0o001)
}

func groupID(name string) (uint32, error) {
	group, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseUint(group.Gid, 10, 32)
	return uint32(id), err
}

// userFor spreads instances over all users, so that those of several launchers are apart, too.
func userFor(uid types.UID, try int) uint32 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", uid, try))
	return firstUser + binary.BigEndian.Uint32(sum[:])%userCount
}
