// SPDX-License-Identifier: Apache-2.0

package leases

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"
)

var network = netip.MustParsePrefix("10.9.8.0/28")

func open(t *testing.T, dir string, network netip.Prefix) *Store {
	t.Helper()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = root.Close() })
	store, err := Open(root, network)
	require.NoError(t, err)
	return store
}

func wanted(i int) Lease {
	return Lease{
		Namespace: "shop", Name: fmt.Sprint("web-", i), Owner: types.UID(fmt.Sprint("owner-", i)),
		Interface: "default", MAC: fmt.Sprintf("02:00:00:00:01:%02x", i),
	}
}

func TestAnAddressIsKeptAcrossRestarts(t *testing.T) {
	dir := t.TempDir()
	first, err := open(t, dir, network).Ensure(wanted(1))
	require.NoError(t, err)
	assert.True(t, network.Contains(first.Address))

	again, err := open(t, dir, network).Ensure(wanted(1))
	require.NoError(t, err)
	assert.Equal(t, first, again)
}

func TestAnotherMACKeepsTheAddress(t *testing.T) {
	store := open(t, t.TempDir(), network)
	first, err := store.Ensure(wanted(1))
	require.NoError(t, err)
	changed := wanted(1)
	changed.MAC = "02:00:00:00:02:01"
	second, err := store.Ensure(changed)
	require.NoError(t, err)
	assert.Equal(t, first.Address, second.Address)
	assert.Equal(t, changed.MAC, second.MAC)

	taker := wanted(2)
	taker.MAC = first.MAC
	_, err = store.Ensure(taker)
	require.NoError(t, err, "the former MAC is free")
}

func TestAMACIsNeverInUseTwice(t *testing.T) {
	store := open(t, t.TempDir(), network)
	_, err := store.Ensure(wanted(1))
	require.NoError(t, err)
	second := wanted(2)
	second.MAC = wanted(1).MAC
	_, err = store.Ensure(second)
	require.ErrorContains(t, err, "shop/web-1")
}

func TestALeaseFollowsAnInstanceToItsNextOwner(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, network)
	first, err := store.Ensure(wanted(1))
	require.NoError(t, err)
	for _, owner := range []types.UID{"instance-1", "machine-made-again"} {
		next := wanted(1)
		next.Owner = owner
		lease, err := store.Ensure(next)
		require.NoError(t, err)
		assert.Equal(t, first.Address, lease.Address)
		assert.Equal(t, first.Key(), lease.OriginKey())
		again, err := store.Ensure(next)
		require.NoError(t, err)
		assert.Equal(t, lease, again)
		assert.Equal(t, []Lease{lease}, open(t, dir, network).All(), "nobody else has it any more")
	}
	for name, change := range map[string]func(*Lease){
		"another instance":  func(l *Lease) { l.Name = "other" },
		"another namespace": func(l *Lease) { l.Namespace = "other" },
		"another interface": func(l *Lease) { l.Interface = "other" },
	} {
		thief := wanted(1)
		thief.Owner = "thief"
		change(&thief)
		_, err := store.Ensure(thief)
		assert.ErrorContains(t, err, "is that of interface", name)
	}

	// One that had an address of its own gives it up for that of the guest that it took in.
	heir := wanted(1)
	heir.Owner, heir.MAC = "heir", "02:00:00:00:02:01"
	own, err := store.Ensure(heir)
	require.NoError(t, err)
	assert.NotEqual(t, first.Address, own.Address)
	heir.MAC = first.MAC
	taken, err := store.Ensure(heir)
	require.NoError(t, err)
	assert.Equal(t, first.Address, taken.Address)
	assert.Len(t, store.All(), 1)
}

func TestOnAnotherNetworkAnInterfaceHasNoAddress(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, network)
	first, err := store.Ensure(wanted(1))
	require.NoError(t, err)
	for i := range 3 {
		lab := wanted(i)
		lab.Interface, lab.Network = "lab", "lab"
		if i == 1 {
			_, err := store.Ensure(lab)
			require.ErrorContains(t, err, "is that of interface", "a MAC is one on all networks")
		}
		lab.MAC = fmt.Sprintf("02:00:00:00:02:%02x", i)
		lease, err := store.Ensure(lab)
		require.NoError(t, err)
		assert.False(t, lease.Address.IsValid())
	}
	assert.Len(t, open(t, dir, netip.MustParsePrefix("10.9.9.0/24")).All(), 3, "they have no address that could be another network's")

	moved := wanted(1)
	moved.Network = "lab"
	lease, err := store.Ensure(moved)
	require.NoError(t, err)
	assert.False(t, lease.Address.IsValid())
	again, err := store.Ensure(wanted(1))
	require.NoError(t, err)
	assert.Equal(t, first.Address, again.Address, "nobody took it meanwhile")
}

func TestEveryAddressIsGivenOnceAndThenNoMore(t *testing.T) {
	store := open(t, t.TempDir(), network)
	const free = 13 // of 16: not the network's, the gateway's and the one for all
	seen := map[netip.Addr]bool{}
	var mu sync.Mutex
	var running sync.WaitGroup
	for i := range free {
		running.Go(func() {
			lease, err := store.Ensure(wanted(i))
			mu.Lock()
			defer mu.Unlock()
			assert.NoError(t, err)
			assert.False(t, seen[lease.Address], "%s twice", lease.Address)
			seen[lease.Address] = true
		})
	}
	running.Wait()
	for _, no := range []string{"10.9.8.0", "10.9.8.1", "10.9.8.15"} {
		assert.NotContains(t, seen, netip.MustParseAddr(no))
	}
	_, err := store.Ensure(wanted(free))
	require.ErrorIs(t, err, ErrFull)

	require.NoError(t, store.Release("owner-3"))
	_, err = store.Ensure(wanted(free))
	require.NoError(t, err)
	assert.Len(t, store.All(), free)
}

func TestLeasesOfAnotherNetworkAreForgotten(t *testing.T) {
	dir := t.TempDir()
	_, err := open(t, dir, network).Ensure(wanted(1))
	require.NoError(t, err)
	other := netip.MustParsePrefix("10.9.9.0/24")
	lease, err := open(t, dir, other).Ensure(wanted(1))
	require.NoError(t, err)
	assert.True(t, other.Contains(lease.Address))
}

func TestADamagedFileIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, fileName), []byte(`{"leases":[{"own`), 0o600))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	_, err = Open(root, network)
	require.ErrorContains(t, err, "remove it")
}

func TestAChangeThatCanNotBeWrittenIsNone(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, network)
	_, err := store.Ensure(wanted(1))
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, fileName+".new"), 0o700))
	_, err = store.Ensure(wanted(2))
	require.Error(t, err)
	require.Error(t, store.Release("owner-1"))
	assert.Len(t, store.All(), 1)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"leases":[{"namespace":"a","name":"b","owner":"c","interface":"d","mac":"02:00:00:00:00:01","address":"10.0.0.2"}]}`))
	f.Add([]byte(`{"leases":[{"owner":"c","interface":"d","mac":"02:00:00:00:00:01","address":"::1"}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		leases, err := decode(raw)
		if err != nil {
			return
		}
		addresses := map[netip.Addr]bool{}
		for _, lease := range leases {
			require.False(t, addresses[lease.Address])
			addresses[lease.Address] = true
		}
		again, err := json.Marshal(file{Leases: leases})
		require.NoError(t, err)
		same, err := decode(again)
		require.NoError(t, err)
		require.Equal(t, len(leases), len(same))
	})
}
