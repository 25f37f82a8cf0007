// SPDX-License-Identifier: Apache-2.0

package hostnode

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// kept counts what is written.
type kept struct {
	nodes  map[string]*corev1.Node
	writes int
}

func (k *kept) Get(_ context.Context, name string) (*corev1.Node, error) {
	if node := k.nodes[name]; node != nil {
		return node.DeepCopy(), nil
	}
	return nil, apierrors.NewNotFound(corev1.Resource("nodes"), name)
}

func (k *kept) Put(_ context.Context, node *corev1.Node) error {
	k.writes++
	k.nodes[node.Name] = node.DeepCopy()
	return nil
}

func (k *kept) KeepOnly(_ context.Context, name string) error {
	maps.DeleteFunc(k.nodes, func(other string, _ *corev1.Node) bool { return other != name })
	return nil
}

// world is a host made of files.
type world struct {
	t        *testing.T
	root     string
	reporter *Reporter
	kept     *kept
	health   *api.Health
	err      error
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, root: t.TempDir(), kept: &kept{nodes: map[string]*corev1.Node{}}, health: &api.Health{Libvirt: true, Accelerator: "kvm"}}
	w.reporter = New(Config{
		NodeName: "host-1", Disk: w.root, Nodes: w.kept,
		Health: func(context.Context) (*api.Health, error) { return w.health, w.err },
	})
	w.reporter.host.root = w.root
	w.write("proc/meminfo", "MemTotal:        4194304 kB\nMemFree:  1 kB\nMemAvailable:    2097152 kB\n")
	w.write("proc/loadavg", "0.10 0.20 0.30 2/345 6789\n")
	w.write("proc/sys/kernel/pid_max", "32768\n")
	w.write("etc/os-release", "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")
	w.write("etc/machine-id", "0123456789abcdef\n")
	return w
}

func (w *world) write(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.root, name)
	require.NoError(w.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(w.t, os.WriteFile(path, []byte(content), 0o644))
}

func (w *world) reported(after time.Duration) *corev1.Node {
	w.t.Helper()
	require.NoError(w.t, w.reporter.report(w.t.Context(), metav1.NewTime(time.Unix(1000, 0).Add(after))))
	return w.kept.nodes["host-1"]
}

func status(node *corev1.Node, kind corev1.NodeConditionType) string {
	condition := conditionOf(node, kind)
	return string(condition.Status) + " " + condition.Reason
}

func TestNodeIsTheHostAsItIs(t *testing.T) {
	w := newWorld(t)
	w.write("dev/vhost-net", "")
	w.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8\n")
	node := w.reported(0)
	assert.Equal(t, "true", node.Labels["kubevirt.io/schedulable"])
	assert.Equal(t, "host-1", node.Labels["kubernetes.io/hostname"])
	assert.Equal(t, "4Gi", node.Status.Capacity.Memory().String())
	assert.False(t, node.Status.Capacity.Cpu().IsZero())
	assert.False(t, node.Status.Capacity.StorageEphemeral().IsZero())
	assert.Equal(t, "Debian GNU/Linux 12 (bookworm)", node.Status.NodeInfo.OSImage)
	assert.Equal(t, "0123456789abcdef", node.Status.NodeInfo.MachineID)
	assert.Empty(t, node.Status.NodeInfo.SystemUUID, "what is not known is not made up")
	for device, has := range map[corev1.ResourceName]bool{
		"devices.kubevirt.io/kvm": true, "devices.kubevirt.io/vhost-net": true, "devices.kubevirt.io/tun": false, "hugepages-2Mi": true,
	} {
		assert.Equal(t, has, !node.Status.Allocatable.Name(device, "").IsZero(), device)
	}
	assert.Equal(t, "True KubeletReady", status(node, corev1.NodeReady))
	assert.Equal(t, "False KubeletHasSufficientMemory", status(node, corev1.NodeMemoryPressure))
	assert.Equal(t, "False KubeletHasSufficientPID", status(node, corev1.NodePIDPressure))
}

func TestNodeSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.write("proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 1024 kB\n")
	w.write("proc/loadavg", "0.10 0.20 0.30 2/32000 6789\n")
	w.err = errors.New("no answer")
	node := w.reported(0)
	assert.Equal(t, "True KubeletHasInsufficientMemory", status(node, corev1.NodeMemoryPressure))
	assert.Equal(t, "True KubeletHasInsufficientPID", status(node, corev1.NodePIDPressure))
	assert.Equal(t, "False KubeletNotReady", status(node, corev1.NodeReady))
	assert.Contains(t, conditionOf(node, corev1.NodeReady).Message, "no answer")
	assert.True(t, node.Status.Allocatable.Name("devices.kubevirt.io/kvm", "").IsZero())

	w.err, w.health = nil, &api.Health{Message: "start libvirtd"}
	node = w.reported(time.Minute)
	assert.Equal(t, "start libvirtd", conditionOf(node, corev1.NodeReady).Message)
}

func TestHostThatDoesNotChangeIsRarelyWritten(t *testing.T) {
	w := newWorld(t)
	for _, after := range []time.Duration{0, time.Second, 4 * time.Minute} {
		w.write("proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 20971"+after.String()[:1]+"0 kB\n")
		w.reported(after)
	}
	assert.Equal(t, 1, w.kept.writes)
	node := w.reported(heartbeat)
	assert.Equal(t, 2, w.kept.writes)
	ready := conditionOf(node, corev1.NodeReady)
	assert.Equal(t, heartbeat, ready.LastHeartbeatTime.Sub(ready.LastTransitionTime.Time))

	w.health = &api.Health{Message: "libvirt is down"}
	node = w.reported(heartbeat + time.Second)
	assert.Equal(t, 3, w.kept.writes)
	ready = conditionOf(node, corev1.NodeReady)
	assert.Equal(t, ready.LastHeartbeatTime, ready.LastTransitionTime)
}

func TestAddressesAreThoseOfDefaultRoutes(t *testing.T) {
	w := newWorld(t)
	w.write("proc/net/route", "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"+
		"eth7\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\nvirbr0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n")
	none := "00000000000000000000000000000000"
	w.write("proc/net/ipv6_route", none+" 00 "+none+" 00 "+none+" ffffffff 1 0 0 lo\n"+
		none+" 00 "+none+" 00 fe80 1 1 0 3 eth8\n")
	assert.Equal(t, []string{"eth7", "eth8"}, w.reporter.host.uplinks())
	assert.Equal(t, corev1.NodeHostName, w.reported(0).Status.Addresses[0].Type, "neither interface exists here")
}

func TestThisHostCanBeRead(t *testing.T) {
	w := newWorld(t)
	w.reporter.host.root = "/"
	node := w.reported(0)
	assert.NotEmpty(t, node.Status.NodeInfo.KernelVersion)
	assert.NotEmpty(t, node.Status.NodeInfo.BootID)
	assert.Positive(t, node.Status.Capacity.Memory().Value())
}
