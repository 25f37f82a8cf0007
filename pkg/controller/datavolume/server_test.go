// SPDX-License-Identifier: Apache-2.0

package datavolume_test

import (
	"context"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/datavolume"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/standalonetest"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/volumes"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload/processes"
)

// environment is what all tests of the package share: a server and the importer's program.
type environment struct {
	server   *standalonetest.Server
	importer string
}

var shared environment

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "virt-importer-")
	if err == nil {
		shared.importer = filepath.Join(dir, "virt-importer")
		var output []byte
		output, err = exec.Command("go", "build", "-o", shared.importer, "github.com/virt-apiserver/virt-apiserver/cmd/virt-importer").CombinedOutput()
		err = wrap(err, output)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the importer:", err)
		os.Exit(1)
	}
	standalonetest.Main(m, func(server *standalonetest.Server) { shared.server = server })
}

func wrap(err error, output []byte) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", err, output)
}

// machine is a standalone machine's part in filling volumes, in a namespace of its own on the shared server.
type machine struct {
	t         *testing.T
	virt      versioned.Interface
	namespace string
	dir       string
	store     *volumes.Store
	stop      func()
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	virt, err := versioned.NewForConfig(shared.server.Admin)
	require.NoError(t, err)
	namespace, err := shared.server.Kube.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "datavolume-"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	m := &machine{t: t, virt: virt, namespace: namespace.Name, dir: filepath.Join(t.TempDir(), "volumes")}
	m.start()
	return m
}

// start starts the controllers and importers, as a server does.
func (m *machine) start() {
	m.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	m.store, err = volumes.Open(m.dir)
	require.NoError(m.t, err)
	importers, err := processes.NewImporters(ctx, processes.Config{
		Program: shared.importer, Targets: m.store, Limit: 3, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	require.NoError(m.t, err)
	kube := shared.server.Kube
	core := informers.NewSharedInformerFactoryWithOptions(kube, 0, informers.WithNamespace(m.namespace))
	virt := externalversions.NewSharedInformerFactoryWithOptions(m.virt, 0, externalversions.WithNamespace(m.namespace))
	claims, classes := core.Core().V1().PersistentVolumeClaims(), core.Storage().V1().StorageClasses()
	recorder := controller.NewRecorder(ctx, kube.CoreV1(), "test")
	filler, err := datavolume.New(datavolume.Config{
		Client: m.virt, Core: kube, DataVolumes: virt.Cdi().V1beta1().DataVolumes(),
		Claims: claims, Classes: classes, Importers: importers, Recorder: recorder,
	})
	require.NoError(m.t, err)
	binder, err := volumes.NewController(volumes.Config{
		Core: kube, Virt: m.virt, Claims: claims, Classes: classes,
		Instances: virt.Kubevirt().V1().VirtualMachineInstances(), Store: m.store, Recorder: recorder,
	})
	require.NoError(m.t, err)
	core.Start(ctx.Done())
	virt.Start(ctx.Done())
	var running sync.WaitGroup
	running.Go(func() { filler.Run(ctx, 2) })
	running.Go(func() { binder.Run(ctx, 2) })
	m.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		assert.NoError(m.t, importers.Close())
		assert.NoError(m.t, m.store.Close())
		core.Shutdown()
		virt.Shutdown()
	})
	m.t.Cleanup(m.stop)
}

func (m *machine) create(name string, source cdiv1.DataVolumeSource, change ...func(*cdiv1.DataVolume)) {
	m.t.Helper()
	dv := &cdiv1.DataVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: cdiv1.DataVolumeSpec{
			Source: &source,
			Storage: &cdiv1.StorageSpec{Resources: &verbatim.VolumeResourceRequirements{
				Requests: verbatim.ResourceList{corev1.ResourceStorage: verbatim.MustParse("8Mi")},
			}},
		},
	}
	for _, c := range change {
		c(dv)
	}
	_, err := m.virt.CdiV1beta1().DataVolumes(m.namespace).Create(m.t.Context(), dv, metav1.CreateOptions{})
	require.NoError(m.t, err)
}

func (m *machine) volume(name string) *cdiv1.DataVolume {
	m.t.Helper()
	dv, err := m.virt.CdiV1beta1().DataVolumes(m.namespace).Get(m.t.Context(), name, metav1.GetOptions{})
	require.NoError(m.t, err)
	return dv
}

// claim returns the claim, or nil.
func (m *machine) claim(name string) *corev1.PersistentVolumeClaim {
	m.t.Helper()
	claim, err := shared.server.Kube.CoreV1().PersistentVolumeClaims(m.namespace).Get(m.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(m.t, err)
	return claim
}

// reach waits until the volume is in phase.
func (m *machine) reach(name string, phase cdiv1.DataVolumePhase) *cdiv1.DataVolume {
	m.t.Helper()
	m.eventually(string(phase), func() bool { return m.volume(name).Status.Phase == phase })
	return m.volume(name)
}

func (m *machine) eventually(what string, condition func() bool) {
	m.t.Helper()
	require.Eventually(m.t, condition, time.Minute, 10*time.Millisecond, what)
}

// files are what lies in the store, but for its own notes.
func (m *machine) files() []string {
	m.t.Helper()
	var files []string
	err := filepath.WalkDir(m.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && entry.Name() != "database" {
			files = append(files, strings.TrimPrefix(path, m.dir+"/"))
		}
		return nil // what goes away meanwhile is no error
	})
	require.NoError(m.t, err)
	return files
}

// disk reads the disk as a guest would see it.
func (m *machine) disk(name string) []byte {
	m.t.Helper()
	path, err := m.store.Locate(m.t.Context(), m.claim(name))
	require.NoError(m.t, err)
	content, err := os.ReadFile(path)
	require.NoError(m.t, err)
	return content
}

// told are the reasons of the events about the volume.
func (m *machine) told(name string) map[string]bool {
	m.t.Helper()
	events, err := shared.server.Kube.CoreV1().Events(m.namespace).List(m.t.Context(), metav1.ListOptions{})
	require.NoError(m.t, err)
	reasons := map[string]bool{}
	for _, event := range events.Items {
		if event.InvolvedObject.Name == name && event.InvolvedObject.Kind == "DataVolume" {
			reasons[event.Reason] = true
		}
	}
	return reasons
}
