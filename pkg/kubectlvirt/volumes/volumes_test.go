// SPDX-License-Identifier: Apache-2.0

package volumes_test

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

// server has the DataVolume made and the claim data. It records what it was last asked to change, and answers that
// with refusal where it has one.
type server struct {
	url        string
	refusal    error
	path, body string
}

func newServer(t *testing.T) *server {
	s := &server{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/cdi.kubevirt.io/v1beta1/namespaces/shop/datavolumes/{name}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r.PathValue("name") == "made", `{"kind":"DataVolume","apiVersion":"cdi.kubevirt.io/v1beta1"}`)
	})
	mux.HandleFunc("GET /api/v1/namespaces/shop/persistentvolumeclaims/{name}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r.PathValue("name") == "data", `{"kind":"PersistentVolumeClaim","apiVersion":"v1"}`)
	})
	mux.HandleFunc("PUT /apis/subresources.kubevirt.io/v1/namespaces/shop/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.path, s.body = r.URL.Path, string(body)
		if s.refusal == nil {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		refuse(w, s.refusal)
	})
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	s.url = web.URL
	return s
}

func answer(w http.ResponseWriter, there bool, object string) {
	if !there {
		refuse(w, apierrors.NewNotFound(schema.GroupResource{Resource: "volumes"}, "it"))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, object)
}

func refuse(w http.ResponseWriter, err error) {
	status := err.(apierrors.APIStatus).Status()
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(status.Code))
	_ = json.NewEncoder(w).Encode(status)
}

func (s *server) run(t *testing.T, args ...string) (string, error) {
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	command := kubectlvirt.NewCommand("kubectl-virt", streams)
	command.SetArgs(append(args, "--server", s.url, "--kubeconfig", "/dev/null", "-n", "shop"))
	err := command.ExecuteContext(t.Context())
	return out.String(), err
}

func TestVolumesComeAndGoByTheServersActions(t *testing.T) {
	tests := map[string]struct {
		args            []string
		path, body, out string
	}{
		"a claim for the guest": {[]string{"addvolume", "web", "--volume-name=data"}, "virtualmachineinstances/web/addvolume",
			`{"name":"data","disk":{"name":"data","disk":{"bus":"scsi"},"serial":"data"},"volumeSource":{"persistentVolumeClaim":{"claimName":"data","hotpluggable":true}}}`,
			"virtualmachineinstance.kubevirt.io/web gets volume data\n"},
		"a DataVolume for the machine": {
			[]string{"addvolume", "web", "--volume-name=made", "--persist", "--serial=S1", "--cache=none", "--bus=virtio", "--disk-type=disk", "--dry-run"},
			"virtualmachines/web/addvolume",
			`{"name":"made","disk":{"name":"made","disk":{"bus":"virtio"},"serial":"S1","cache":"none"},"volumeSource":{"dataVolume":{"name":"made","hotpluggable":true}},"dryRun":["All"]}`,
			"virtualmachine.kubevirt.io/web gets volume made (server dry run)\n"},
		"a lun": {[]string{"addvolume", "web", "--volume-name=data", "--disk-type=lun", "--cache=none"}, "virtualmachineinstances/web/addvolume",
			`{"name":"data","disk":{"name":"data","lun":{"bus":"scsi"},"cache":"none"},"volumeSource":{"persistentVolumeClaim":{"claimName":"data","hotpluggable":true}}}`,
			"virtualmachineinstance.kubevirt.io/web gets volume data\n"},
		"from the guest": {[]string{"removevolume", "web", "--volume-name=data"}, "virtualmachineinstances/web/removevolume",
			`{"name":"data"}`, "virtualmachineinstance.kubevirt.io/web loses volume data\n"},
		"from the machine": {[]string{"removevolume", "web", "--volume-name=data", "--persist", "--dry-run=server"}, "virtualmachines/web/removevolume",
			`{"name":"data","dryRun":["All"]}`, "virtualmachine.kubevirt.io/web loses volume data (server dry run)\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			out, err := s.run(t, tc.args...)
			require.NoError(t, err)
			assert.Equal(t, "/apis/subresources.kubevirt.io/v1/namespaces/shop/"+tc.path, s.path)
			assert.JSONEq(t, tc.body, s.body)
			assert.Equal(t, tc.out, out)
		})
	}
}

func TestNonsenseChangesNothing(t *testing.T) {
	tests := map[string]struct {
		args []string
		want []string
	}{
		"no volume to add":    {[]string{"addvolume", "web"}, []string{"--volume-name is needed", "kubectl virt addvolume --help"}},
		"no volume to remove": {[]string{"removevolume", "web"}, []string{"--volume-name is needed"}},
		"bus":                 {[]string{"addvolume", "web", "--volume-name=data", "--bus=sata"}, []string{"--bus must be scsi or virtio"}},
		"cache":               {[]string{"addvolume", "web", "--volume-name=data", "--cache=big"}, []string{"--cache must be none"}},
		"type":                {[]string{"addvolume", "web", "--volume-name=data", "--disk-type=cdrom"}, []string{"--disk-type must be disk or lun"}},
		"bus of a lun":        {[]string{"addvolume", "web", "--volume-name=data", "--disk-type=lun", "--bus=virtio"}, []string{"--bus must be scsi for a lun"}},
		"serial of a lun":     {[]string{"addvolume", "web", "--volume-name=data", "--disk-type=lun", "--serial=1"}, []string{"--serial is not for a lun"}},
		"neither kind": {[]string{"addvolume", "web", "--volume-name=gone"},
			[]string{`neither a DataVolume nor a claim "gone"`, "kubectl get datavolumes,persistentvolumeclaims -n shop"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			out, err := s.run(t, tc.args...)
			assert.Empty(t, out)
			assert.Empty(t, s.path)
			for _, want := range tc.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestRefusalsNameTheNextCommand(t *testing.T) {
	s := newServer(t)
	s.refusal = apierrors.NewConflict(schema.GroupResource{Resource: "virtualmachineinstance"}, "web", errors.New("VMI is not running"))
	_, err := s.run(t, "addvolume", "web", "--volume-name=data")
	assert.ErrorContains(t, err, "kubectl virt start web -n shop")
}
