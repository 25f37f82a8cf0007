// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/guestagent"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/statedir"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/vsock"
)

// resyncPeriod is how often all domains are looked at, should an event ever be missed.
const resyncPeriod = 5 * time.Minute

// Options of a Manager.
type Options struct {
	// InstanceID marks the domains of this launcher; it touches no others.
	InstanceID string
	// VolumeRoots are the directories below which the files of claims are.
	VolumeRoots []string
	// HostDiskRoots are the directories below which instances may use files of the node.
	HostDiskRoots []string
	// DeviceRoots are the directories below which the nodes of block devices are that claims have.
	DeviceRoots []string
	// RuntimeDir holds the consoles' sockets. Its path is short: that of a socket has 107 bytes at most.
	RuntimeDir string
	// SeparateUsers has the QEMU of each instance run as a user of its own, which a libvirt that is root's can.
	SeparateUsers bool
	// MaxDomains is how many instances there may be.
	MaxDomains int
	// Version of the launcher.
	Version string
	// Arguments that the launcher was started with.
	Arguments []string
	Log       *slog.Logger
}

// Manager keeps the instances of a node. It is safe for concurrent use.
type Manager struct {
	options     Options
	hypervisor  Hypervisor
	state       *statedir.Dir
	accelerator *accelerator
	host        host
	dialVSOCK   vsockDialer
	hub         *hub
	log         *slog.Logger
	// background ends what goes on after a request was answered.
	background context.Context
	// screenshots that are being taken.
	screenshots chan struct{}
	// polls are the guests' agents that are being asked without anybody having asked for it.
	polls chan struct{}

	mu     sync.Mutex
	synced bool
	guests map[types.NamespacedName]*guest
	// users of QEMUs, with the instance whose each is.
	users  map[uint32]types.UID
	broken []types.UID
}

// New returns a manager of the instances that state knows. Until Connected was called once it knows
// nothing of their domains and answers ErrorLibvirtUnavailable. What it does by itself ends with ctx.
func New(ctx context.Context, options Options, hypervisor Hypervisor, prober KVMProber, state *statedir.Dir) (*Manager, error) {
	if err := makePrivate(options.RuntimeDir); err != nil {
		return nil, fmt.Errorf("runtime directory: %w", err)
	}
	records, broken, err := state.Records()
	if err != nil {
		return nil, err
	}
	m := &Manager{
		options:     options,
		hypervisor:  hypervisor,
		state:       state,
		accelerator: &accelerator{prober: prober, state: state, device: kvmDevice, log: options.Log},
		host:        thisHost(),
		dialVSOCK:   vsock.Dial,
		hub:         newHub(),
		log:         options.Log,
		background:  ctx,
		screenshots: make(chan struct{}, maxScreenshots),
		polls:       make(chan struct{}, maxPolls),
		guests:      map[types.NamespacedName]*guest{},
		users:       map[uint32]types.UID{},
		broken:      broken,
	}
	for _, record := range records {
		m.guests[keyOf(&record)] = newGuest(record)
		m.users[record.User] = record.UID
	}
	if len(m.socketPath(types.UID(uuid.Nil.String()))) > maxSocketPath {
		return nil, fmt.Errorf("runtime directory %s: its path is too long for sockets; choose a shorter one", options.RuntimeDir)
	}
	return m, nil
}

// Run looks at all domains again from time to time, until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	ticker := time.NewTicker(resyncPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			m.Connected()
		}
	}
}

// Connected looks at all domains. The hypervisor calls it each time that it is connected.
func (m *Manager) Connected() {
	domains, err := m.hypervisor.List()
	if err != nil {
		m.log.Warn("can't list the domains", "error", err)
		return
	}
	for _, found := range domains {
		m.adopt(found)
	}
	complete := true
	for _, g := range m.all() {
		g.mu.Lock()
		if !g.gone && (m.refresh(g) != nil || m.lookForAgent(g) != nil) {
			complete = false
		}
		g.mu.Unlock()
	}
	if complete {
		m.setSynced()
	}
	go func() {
		if _, err := m.accelerator.kvm(m.background); err != nil {
			m.log.Warn("can't look for KVM", "error", err)
		}
	}()
}

// setSynced also removes what belongs to no domain: directories whose record the crash of a node has cut.
func (m *Manager) setSynced() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.synced = true
	kept := map[types.UID]bool{}
	for _, g := range m.guests {
		kept[g.UID] = true
	}
	for _, uid := range m.broken {
		if kept[uid] {
			continue
		}
		if err := m.state.Remove(uid); err != nil {
			m.log.Warn("can't remove what an instance left", "uid", uid, "error", err)
		}
	}
	m.broken = nil
}

// Changed looks at the domain again. The hypervisor calls it for each event; it does not block.
func (m *Manager) Changed(uuid string) {
	for _, g := range m.all() {
		if g.UUID != uuid || !g.dirty.CompareAndSwap(false, true) {
			continue
		}
		go func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.dirty.Store(false)
			if g.gone {
				return
			}
			if err := m.refresh(g); err != nil {
				m.log.Warn("can't look at a domain", "uid", g.UID, "error", err)
			}
		}()
	}
}

// adopt takes a domain in that no record tells of.
func (m *Manager) adopt(found Domain) {
	record := statedir.Record{
		Namespace: found.Identity.Namespace, Name: found.Identity.Name, UID: found.Identity.UID, UUID: found.UUID,
	}
	key := keyOf(&record)
	m.mu.Lock()
	if m.guests[key] != nil {
		m.mu.Unlock()
		return
	}
	g := newGuest(record)
	m.guests[key] = g
	g.mu.Lock()
	defer g.mu.Unlock()
	m.mu.Unlock()
	power, err := m.hypervisor.Power(g.Ref)
	if err != nil || power == PowerGone { // deleted since it was listed
		m.drop(g)
		return
	}
	m.log.Warn("found a domain without its record", "namespace", record.Namespace, "name", record.Name, "uid", record.UID)
	m.save(g)
}

// acquire locks the instance of a name; the caller unlocks it.
func (m *Manager) acquire(key types.NamespacedName) (*guest, error) {
	for {
		m.mu.Lock()
		g, synced := m.guests[key], m.synced
		m.mu.Unlock()
		if !synced {
			return nil, m.unavailable()
		}
		if g == nil {
			return nil, &api.Error{Reason: api.ErrorNotFound, Message: fmt.Sprintf("there is no domain of %s", key)}
		}
		g.mu.Lock()
		if !g.gone {
			return g, nil
		}
		g.mu.Unlock()
	}
}

// drop forgets an instance that the caller has locked.
func (m *Manager) drop(g *guest) {
	g.gone = true
	g.endStop()
	g.endFreeze()
	m.loseAgent(g)
	m.mu.Lock()
	delete(m.guests, keyOf(&g.record))
	delete(m.users, g.record.User)
	m.mu.Unlock()
	m.hub.remove(g.UID)
}

func (m *Manager) all() []*guest {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*guest, 0, len(m.guests))
	for _, g := range m.guests {
		all = append(all, g)
	}
	return all
}

// List returns the status of every instance.
func (m *Manager) List() ([]api.DomainStatus, error) {
	if !m.isSynced() {
		return nil, m.unavailable()
	}
	return m.hub.list(), nil
}

// Domain returns the status of one instance.
func (m *Manager) Domain(target api.Target) (*api.DomainStatus, error) {
	g, err := m.acquireTarget(target)
	if err != nil {
		return nil, err
	}
	defer g.mu.Unlock()
	status := g.status()
	return &status, nil
}

// Health tells what was found on the node.
func (m *Manager) Health(pid int) api.Health {
	connection := m.hypervisor.Connection()
	return api.Health{
		PID:            pid,
		Version:        m.options.Version,
		Arguments:      m.options.Arguments,
		Libvirt:        connection.Up && m.isSynced(),
		LibvirtVersion: connection.Version,
		Accelerator:    m.accelerator.known(),
		Message:        connection.Message,
	}
}

func (m *Manager) isSynced() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.synced
}

func (m *Manager) unavailable() error {
	message := m.hypervisor.Connection().Message
	if message == "" {
		message = "the domains are still being read; try again"
	}
	return &api.Error{Reason: api.ErrorLibvirtUnavailable, Message: message}
}

// refused is what a client is told of an error of the hypervisor; nil where there is none.
func (m *Manager) refused(doing string, err error) error {
	var told *api.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &told):
		return &api.Error{Reason: told.Reason, Message: err.Error()}
	case errors.Is(err, ErrUnavailable):
		return m.unavailable()
	case errors.Is(err, ErrAgentBusy):
		return &api.Error{Reason: api.ErrorLimit, Message: fmt.Sprintf("%s: %v", doing, err)}
	case errors.Is(err, ErrNoAgent), errors.Is(err, guestagent.ErrGarbage):
		return &api.Error{Reason: api.ErrorNoAgent, Message: fmt.Sprintf("%s: %v", doing, err)}
	case errors.Is(err, ErrNotRunning), errors.Is(err, ErrNoDomain):
		return &api.Error{Reason: api.ErrorNotRunning, Message: fmt.Sprintf("%s: %v", doing, err)}
	case errors.Is(err, ErrUnsupported):
		return &api.Error{Reason: api.ErrorInvalid, Message: fmt.Sprintf("%s: %v", doing, err)}
	}
	return &api.Error{Reason: api.ErrorInternal, Message: fmt.Sprintf("%s: %v", doing, err)}
}

func keyOf(record *statedir.Record) types.NamespacedName {
	return types.NamespacedName{Namespace: record.Namespace, Name: record.Name}
}

// socketPath of an instance's console.
func (m *Manager) socketPath(uid types.UID) string {
	return m.options.RuntimeDir + "/" + string(uid) + ".console"
}
