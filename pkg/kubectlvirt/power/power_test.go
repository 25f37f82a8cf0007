// SPDX-License-Identifier: Apache-2.0

package power_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt"
)

var machine = schema.GroupResource{Group: "kubevirt.io", Resource: "virtualmachine"}

// server records what it was asked for and answers with status, or 202.
type server struct {
	*httptest.Server
	status *metav1.Status
	text   string

	method, path, body string
}

func newServer(t *testing.T) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.method, s.path, s.body = r.Method, r.URL.Path, string(body)
		switch {
		case s.text != "":
			http.Error(w, s.text, http.StatusNotFound)
		case s.status != nil:
			s.status.Kind, s.status.APIVersion = "Status", "v1"
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(int(s.status.Code))
			_ = json.NewEncoder(w).Encode(s.status)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) run(args ...string) (out, errOut string, err error) {
	streams, _, stdout, stderr := genericiooptions.NewTestIOStreams()
	command := kubectlvirt.NewCommand("kubectl-virt", streams)
	command.SetArgs(append(args, "--server", s.URL, "--kubeconfig", "/dev/null", "-n", "shop"))
	err = command.Execute()
	return stdout.String(), stderr.String(), err
}

func TestVerbsCallTheirRoutes(t *testing.T) {
	tests := map[string]struct {
		args   []string
		action string
		body   string
		out    string
	}{
		"start":              {[]string{"start", "web"}, "start", `{}`, "virtualmachine.kubevirt.io/web starting\n"},
		"start paused":       {[]string{"start", "web", "--paused"}, "start", `{"paused":true}`, "virtualmachine.kubevirt.io/web starting\n"},
		"start dry run":      {[]string{"start", "web", "--dry-run"}, "start", `{"dryRun":["All"]}`, "virtualmachine.kubevirt.io/web starting (server dry run)\n"},
		"virtctl's dry run":  {[]string{"start", "web", "--dry-run=true"}, "start", `{"dryRun":["All"]}`, "virtualmachine.kubevirt.io/web starting (server dry run)\n"},
		"no dry run":         {[]string{"start", "web", "--dry-run=none"}, "start", `{}`, "virtualmachine.kubevirt.io/web starting\n"},
		"stop":               {[]string{"stop", "web"}, "stop", `{}`, "virtualmachine.kubevirt.io/web stopping\n"},
		"stop with a period": {[]string{"stop", "web", "--grace-period", "10"}, "stop", `{"gracePeriod":10}`, "virtualmachine.kubevirt.io/web stopping\n"},
		"stop at once":       {[]string{"stop", "web", "--force"}, "stop", `{"gracePeriod":0}`, "virtualmachine.kubevirt.io/web stopping\n"},
		"virtctl's force":    {[]string{"stop", "web", "--force", "--grace-period=0"}, "stop", `{"gracePeriod":0}`, "virtualmachine.kubevirt.io/web stopping\n"},
		"restart":            {[]string{"restart", "web"}, "restart", `{}`, "virtualmachine.kubevirt.io/web restarting\n"},
		"restart at once":    {[]string{"restart", "web", "--force"}, "restart", `{"gracePeriodSeconds":0}`, "virtualmachine.kubevirt.io/web restarting\n"},
		"virtctl's restart":  {[]string{"restart", "web", "--force", "--grace-period=0"}, "restart", `{"gracePeriodSeconds":0}`, "virtualmachine.kubevirt.io/web restarting\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)

			out, errOut, err := s.run(tc.args...)

			require.NoError(t, err)
			assert.Equal(t, http.MethodPut, s.method)
			assert.Equal(t, "/apis/subresources.kubevirt.io/v1/namespaces/shop/virtualmachines/web/"+tc.action, s.path)
			assert.JSONEq(t, tc.body, s.body)
			assert.Equal(t, tc.out, out)
			assert.Empty(t, errOut)
		})
	}
}

func TestNonsenseIsRefusedWithoutAServer(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"no name":               {[]string{"start"}, "accepts 1 arg"},
		"negative period":       {[]string{"stop", "web", "--grace-period", "-5"}, "must not be negative"},
		"restart with a period": {[]string{"restart", "web", "--force", "--grace-period", "5"}, "--grace-period can only be 0"},
		"period without force":  {[]string{"restart", "web", "--grace-period", "0"}, "--grace-period 0 needs --force"},
		"dry run on the client": {[]string{"start", "web", "--dry-run=client"}, "must be none or server"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)

			_, _, err := s.run(tc.args...)

			assert.ErrorContains(t, err, tc.want)
			assert.Empty(t, s.path)
		})
	}
}

func TestRefusalsNameTheNextCommand(t *testing.T) {
	conflict := func(text string) *metav1.Status {
		status := apierrors.NewConflict(machine, "web", errors.New(text)).Status()
		return &status
	}
	missing := apierrors.NewNotFound(machine, "web").Status()
	forbidden := apierrors.NewForbidden(machine, "web", errors.New("no")).Status()
	tests := map[string]struct {
		args   []string
		status *metav1.Status
		text   string
		want   []string
	}{
		"no such machine": {[]string{"start", "web"}, &missing, "",
			[]string{`there is no virtual machine "web" in namespace "shop"`, "kubectl get vms -n shop"}},
		"already running": {[]string{"start", "web"}, conflict("VM is already running"), "",
			[]string{"VM is already running", "kubectl virt console web -n shop", "kubectl virt restart web -n shop"}},
		"not running": {[]string{"stop", "web"}, conflict("VM is not running"), "",
			[]string{"VM is not running", "kubectl virt start web -n shop"}},
		"other conflict": {[]string{"start", "web"}, conflict("Always does not support manual start requests"), "",
			[]string{"Always does not support", "kubectl get vm web -o yaml -n shop"}},
		"forbidden": {[]string{"start", "web"}, &forbidden, "",
			[]string{"forbidden", "kubectl auth can-i update virtualmachines.subresources.kubevirt.io/web --subresource=start -n shop"}},
		"not served": {[]string{"start", "web"}, nil, "404 page not found",
			[]string{"does not serve virtual machines", "kubectl api-versions"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.status, s.text = tc.status, tc.text

			out, _, err := s.run(tc.args...)

			assert.Empty(t, out)
			for _, want := range tc.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestServerThatIsDownIsNamed(t *testing.T) {
	s := newServer(t)
	s.Close()

	_, _, err := s.run("start", "web")

	assert.ErrorContains(t, err, "nothing listens at "+s.URL)
}

func TestNamesAreCompleted(t *testing.T) {
	s := newServer(t)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/apis/kubevirt.io/v1/namespaces/shop/virtualmachines", r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"kind":"VirtualMachineList","apiVersion":"kubevirt.io/v1","items":[{"metadata":{"name":"web"}},{"metadata":{"name":"db"}}]}`)
	})

	for _, verb := range []string{"start", "stop", "restart", "console"} {
		streams, _, stdout, _ := genericiooptions.NewTestIOStreams()
		command := kubectlvirt.NewCommand("kubectl-virt", streams)
		command.SetArgs([]string{"__complete", verb, "--server", s.URL, "--kubeconfig", "/dev/null", "-n", "shop", ""})
		require.NoError(t, command.Execute())
		assert.Equal(t, "web\ndb\n:4\n", stdout.String(), verb)
	}
}
