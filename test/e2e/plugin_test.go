// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

func TestPluginDoesWhatItsVerbsSay(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	instance := p.startTiny("web", kubevirtv1.RunStrategyAlways)

	p.plugin("pause", "vm", "web")
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusPaused)
	p.refuses("kubectl virt unpause vm web -n "+p.name, "soft-reboot", "web")
	p.refuses("kubectl virt unpause vm web -n "+p.name, "port-forward", "--stdio", "vm/web", "22")
	p.plugin("unpause", "vmi", "web")
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusRunning)

	for times, verb := range []string{"reset", "soft-reboot"} {
		p.plugin(verb, "web")
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			assert.Equal(c, times+2, strings.Count(p.consoleLog(instance), launchertest.GuestReady))
		}, patience, tick, "after %s", verb)
	}

	picture, err := png.Decode(strings.NewReader(p.plugin("vnc", "screenshot", "web", "-f", "-")))
	require.NoError(t, err)
	assert.Greater(t, picture.Bounds().Dx(), 100)
	p.viewScreen("web")

	p.plugDisks("web")
	assert.Contains(t, p.plugin("expand", "--vm", "web"), "kind: VirtualMachine\n")

	p.plugin("stop", "web", "--force")
	p.awaitNoInstance("web")
	for _, verb := range [][]string{{"pause", "vm", "web"}, {"addvolume", "web", "--volume-name", "spare"}, {"reset", "web"}, {"vnc", "web", "--proxy-only"},
		{"vnc", "screenshot", "web", "-f", "-"}, {"port-forward", "--stdio", "vm/web", "22"}} {
		p.refuses("kubectl virt start web -n "+p.name, verb...)
	}
}

// plugDisks gives a guest a disk and takes it away: once from the guest alone, once from its machine as well.
func (p *space) plugDisks(name string) {
	p.t.Helper()
	volumes := len(p.machine(name).Spec.Template.Spec.Volumes)
	for more, claim := range []string{"spare", "kept"} {
		p.apply(strings.ReplaceAll(spareClaim, "NAME", claim))
		persist := fmt.Sprintf("--persist=%t", more == 1)
		p.plugin("addvolume", name, "--volume-name", claim, "--serial", claim, persist)
		p.awaitVolume(name, claim, kubevirtv1.VolumeReady)
		assert.Len(p.t, p.machine(name).Spec.Template.Spec.Volumes, volumes+more)
		p.plugin("removevolume", name, "--volume-name", claim, persist)
		p.awaitVolume(name, claim, "")
		assert.Len(p.t, p.machine(name).Spec.Template.Spec.Volumes, volumes)
	}
}

// refuses runs the plugin, which must fail and give a hint.
func (p *space) refuses(hint string, args ...string) {
	p.t.Helper()
	_, message, err := p.tryPlugin(args...)
	require.Error(p.t, err)
	assert.Contains(p.t, message, hint, "kubectl virt %s", strings.Join(args, " "))
}

// viewScreen comes as a viewer to the port of vnc --proxy-only.
func (p *space) viewScreen(name string) {
	p.t.Helper()
	proxy := p.Command(p.t.Context(), suite.Path("kubectl-virt"), "-n", p.name, "vnc", name, "--proxy-only")
	output, err := proxy.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, proxy.Start())
	line, err := bufio.NewReader(output).ReadBytes('\n')
	require.NoError(p.t, err)
	var told struct {
		Port int `json:"port"`
	}
	require.NoError(p.t, json.Unmarshal(line, &told))
	viewer, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", told.Port))
	require.NoError(p.t, err)
	require.NoError(p.t, viewer.SetDeadline(time.Now().Add(patience)))
	heard := make([]byte, len("RFB 003.008\n"))
	_, err = io.ReadFull(viewer, heard)
	require.NoError(p.t, err)
	assert.Equal(p.t, "RFB 003.008\n", string(heard))
	require.NoError(p.t, viewer.Close())
	assert.NoError(p.t, proxy.Wait(), "it ends with its viewer")
}

func TestMachinesThatThePluginDescribesAreTaken(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	manifest := p.plugin("create", "vm", "--name", "web", "--run-strategy", "Halted", "--user", "debian", "--ssh-key", "ssh-ed25519 AAAA me",
		"--volume-containerdisk", "src:example.com/debian:12", "--volume-pvc", "src:data",
		"--volume-import", "type:http,url:"+suite.Images.URL(linuxImage)+",size:1Gi", "--volume-blank", "size:1Mi")
	_, message, err := p.tryKubectl(manifest, "apply", "--dry-run=server", "--validate=strict", "-f", "-")
	require.NoError(t, err, message)
}
