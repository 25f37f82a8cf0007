// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

func requests(size string) *verbatim.VolumeResourceRequirements {
	return &verbatim.VolumeResourceRequirements{
		Requests: verbatim.ResourceList{corev1.ResourceStorage: verbatim.MustParse(size)},
	}
}

func valid() *cdiv1.DataVolume {
	return &cdiv1.DataVolume{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "disk"},
		Spec: cdiv1.DataVolumeSpec{
			Source: &cdiv1.DataVolumeSource{HTTP: &cdiv1.DataVolumeSourceHTTP{
				URL:                "https://example.com/disk.qcow2",
				SecretRef:          ptr.To("login"),
				CertConfigMap:      ptr.To("ca"),
				ExtraHeaders:       []string{"X-Team: one"},
				SecretExtraHeaders: []string{"token"},
				Checksum:           ptr.To("sha256:" + strings.Repeat("ab", 32)),
			}},
			Storage: &cdiv1.StorageSpec{Resources: requests("1Gi")},
		},
	}
}

func withPVC(change func(*verbatim.PersistentVolumeClaimSpec)) func(*cdiv1.DataVolume) {
	return func(dv *cdiv1.DataVolume) {
		dv.Spec.Storage = nil
		dv.Spec.PVC = &verbatim.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   requests("1Gi"),
		}
		change(dv.Spec.PVC)
	}
}

func TestDataVolumeAccepted(t *testing.T) {
	for name, change := range map[string]func(*cdiv1.DataVolume){
		"http into storage": func(*cdiv1.DataVolume) {},
		"http into pvc":     withPVC(func(*verbatim.PersistentVolumeClaimSpec) {}),
		"blank": func(dv *cdiv1.DataVolume) {
			dv.Spec.Source = &cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}}
		},
		"a container image": func(dv *cdiv1.DataVolume) {
			dv.Spec.Source = &cdiv1.DataVolumeSource{Registry: &cdiv1.DataVolumeSourceRegistry{
				URL: ptr.To("docker://registry.example/disks/linux:1"), PullMethod: ptr.To(cdiv1.RegistryPullPod),
				SecretRef: ptr.To("login"), CertConfigMap: ptr.To("ca"),
			}}
		},
		"a copy of any size": func(dv *cdiv1.DataVolume) {
			dv.Spec.Source = &cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: "golden", Name: "disk"}}
			dv.Spec.Storage.Resources = nil
		},
		"all of storage": func(dv *cdiv1.DataVolume) {
			dv.Spec.ContentType = ptr.To(cdiv1.DataVolumeKubeVirt)
			dv.Spec.Preallocation = ptr.To(true)
			dv.Spec.Storage.StorageClassName = ptr.To("local")
			dv.Spec.Storage.VolumeMode = ptr.To(corev1.PersistentVolumeFilesystem)
			dv.Spec.Storage.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadOnlyMany}
		},
		"no class":      func(dv *cdiv1.DataVolume) { dv.Spec.Storage.StorageClassName = ptr.To("") },
		"smallest size": func(dv *cdiv1.DataVolume) { dv.Spec.Storage.Resources = requests("1Mi") },
	} {
		t.Run(name, func(t *testing.T) {
			dv := valid()
			change(dv)
			assert.Empty(t, ValidateDataVolume(dv))
		})
	}
}

func TestDataVolumeRefused(t *testing.T) {
	http := func(change func(*cdiv1.DataVolumeSourceHTTP)) func(*cdiv1.DataVolume) {
		return func(dv *cdiv1.DataVolume) { change(dv.Spec.Source.HTTP) }
	}
	storage := func(change func(*cdiv1.StorageSpec)) func(*cdiv1.DataVolume) {
		return func(dv *cdiv1.DataVolume) { change(dv.Spec.Storage) }
	}
	registry := func(url *string, method cdiv1.RegistryPullMethod) func(*cdiv1.DataVolume) {
		return func(dv *cdiv1.DataVolume) {
			dv.Spec.Source = &cdiv1.DataVolumeSource{Registry: &cdiv1.DataVolumeSourceRegistry{URL: url, PullMethod: &method}}
		}
	}
	const size = ".resources.requests[storage]"
	for name, test := range map[string]struct {
		change func(*cdiv1.DataVolume)
		field  string
		words  string
	}{
		"name too long":        {func(dv *cdiv1.DataVolume) { dv.Name = strings.Repeat("a", 254) }, "metadata.name", "253"},
		"no image":             {registry(nil, "pod"), "spec.source.registry.url", "Source registry"},
		"an image on disk":     {registry(ptr.To("oci-archive:///images/a.tar"), "pod"), "spec.source.registry.url", "scheme that is not supported"},
		"an image in disguise": {registry(ptr.To("docker://oci-archive:/images/a.tar"), "pod"), "spec.source.registry.url", "image on disk"},
		"another's images":     {registry(ptr.To("docker://registry.example/a"), "cluster"), "spec.source.registry.pullMethod", "node"},
		"copy of nothing": {func(dv *cdiv1.DataVolume) {
			dv.Spec.Source = &cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: "golden"}}
		}, "spec.source.pvc.name", "source PVC is not valid"},
		"copy from nowhere": {func(dv *cdiv1.DataVolume) {
			dv.Spec.Source = &cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Name: "disk"}}
		}, "spec.source.pvc.namespace", "source PVC is not valid"},
		"copy of itself": {func(dv *cdiv1.DataVolume) {
			dv.Spec.Source = &cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: "default", Name: "disk"}}
		}, "spec.source.pvc.name", "the DataVolume's own"},
		"a copy into a pvc without a size": {func(dv *cdiv1.DataVolume) {
			withPVC(func(pvc *verbatim.PersistentVolumeClaimSpec) { pvc.Resources = nil })(dv)
			dv.Spec.Source = &cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: "golden", Name: "disk"}}
		}, "spec.pvc" + size, "size is missing"},
		"name of a path": {func(dv *cdiv1.DataVolume) { dv.Name = "../etc" }, "metadata.name", "subdomain"},
		"no claim":       {func(dv *cdiv1.DataVolume) { dv.Spec.Storage = nil }, "spec.storage", "Missing Data volume PVC"},
		"two claims": {func(dv *cdiv1.DataVolume) { dv.Spec.PVC = &verbatim.PersistentVolumeClaimSpec{} },
			"spec.pvc", "Duplicate storage definition"},
		"no size": {storage(func(s *cdiv1.StorageSpec) { s.Resources.Requests = nil }),
			"spec.storage" + size, "size is missing"},
		"no size of pvc": {withPVC(func(p *verbatim.PersistentVolumeClaimSpec) { p.Resources.Requests = nil }),
			"spec.pvc" + size, "size is missing"},
		"zero size": {storage(func(s *cdiv1.StorageSpec) { s.Resources = requests("0") }),
			"spec.storage" + size, "can't be equal or less than zero"},
		"negative size": {storage(func(s *cdiv1.StorageSpec) { s.Resources = requests("-1Gi") }),
			"spec.storage" + size, "can't be equal or less than zero"},
		"tiny size": {storage(func(s *cdiv1.StorageSpec) { s.Resources = requests("1M") }),
			"spec.storage" + size, "should be at least 1MiB"},
		"huge size": {storage(func(s *cdiv1.StorageSpec) { s.Resources = requests("9000000000Ei") }),
			"spec.storage" + size, "at most 1Pi"},
		"long class": {storage(func(s *cdiv1.StorageSpec) { s.StorageClassName = ptr.To(strings.Repeat("a", 254)) }),
			"spec.storage.storageClassName", "253"},
		"odd class": {storage(func(s *cdiv1.StorageSpec) { s.StorageClassName = ptr.To("a/b") }),
			"spec.storage.storageClassName", "subdomain"},
		"unknown mode": {storage(func(s *cdiv1.StorageSpec) { s.AccessModes = []corev1.PersistentVolumeAccessMode{"RWO"} }),
			"spec.storage.accessModes[0]", "ReadWriteOnce"},
		"unknown volume mode": {storage(func(s *cdiv1.StorageSpec) { s.VolumeMode = ptr.To(corev1.PersistentVolumeMode("file")) }),
			"spec.storage.volumeMode", "Filesystem"},
		"pvc without mode": {withPVC(func(p *verbatim.PersistentVolumeClaimSpec) { p.AccessModes = nil }),
			"spec.pvc.accessModes", "at least 1 access mode is required"},
		"pvc with two modes": {withPVC(func(p *verbatim.PersistentVolumeClaimSpec) {
			p.AccessModes = append(p.AccessModes, corev1.ReadOnlyMany)
		}), "spec.pvc.accessModes", "multiple accessModes"},
		"pvc with data source": {withPVC(func(p *verbatim.PersistentVolumeClaimSpec) {
			p.DataSource = &corev1.TypedLocalObjectReference{Kind: "PersistentVolumeClaim", Name: "a"}
		}), "spec.pvc.dataSource", "External population is incompatible"},
		"pvc with data source ref": {withPVC(func(p *verbatim.PersistentVolumeClaimSpec) {
			p.DataSourceRef = &corev1.TypedObjectReference{Kind: "PersistentVolumeClaim", Name: "a"}
		}), "spec.pvc.dataSourceRef", "External population is incompatible"},
		"no source":    {func(dv *cdiv1.DataVolume) { dv.Spec.Source = nil }, "spec.source", "should have either Source"},
		"empty source": {func(dv *cdiv1.DataVolume) { dv.Spec.Source.HTTP = nil }, "spec.source", "Missing Data volume source"},
		"two sources": {func(dv *cdiv1.DataVolume) { dv.Spec.Source.Blank = &cdiv1.DataVolumeBlankImage{} },
			"spec.source", "Multiple Data volume sources"},
		"archive": {func(dv *cdiv1.DataVolume) { dv.Spec.ContentType = ptr.To[cdiv1.DataVolumeContentType]("archive") }, "spec.contentType", "kubevirt"},
		"empty URL": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.URL = "" }),
			"spec.source.http.url", "source URL is empty"},
		"relative URL": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.URL = "disk.img" }),
			"spec.source.http.url", "invalid source URL"},
		"file URL": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.URL = "file:///etc/shadow" }),
			"spec.source.http.url", "invalid source URL scheme"},
		"URL without host": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.URL = "http:///disk.img" }),
			"spec.source.http.url", "no host"},
		"long URL": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.URL = "http://h/" + strings.Repeat("a", maxURL) }),
			"spec.source.http.url", "may not be more"},
		"checksum without algorithm": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.Checksum = ptr.To("abcd") }),
			"spec.source.http.checksum", "invalid checksum format"},
		"short checksum": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.Checksum = ptr.To("sha256:abcd") }),
			"spec.source.http.checksum", "invalid checksum format"},
		"header of two lines": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.ExtraHeaders = []string{"A: b\r\nC: d"} }),
			"spec.source.http.extraHeaders[0]", "header"},
		"long header": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.ExtraHeaders = []string{"A: " + strings.Repeat("b", maxHeader)} }),
			"spec.source.http.extraHeaders[0]", "may not be more"},
		"many headers": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.ExtraHeaders = make([]string, maxHeaders+1) }),
			"spec.source.http.extraHeaders", "must have at most"},
		"many header secrets": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.SecretExtraHeaders = make([]string, maxHeaderSecrets+1) }),
			"spec.source.http.secretExtraHeaders", "must have at most"},
		"odd header secret": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.SecretExtraHeaders = []string{""} }),
			"spec.source.http.secretExtraHeaders[0]", "subdomain"},
		"odd secret": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.SecretRef = ptr.To("../s") }),
			"spec.source.http.secretRef", "subdomain"},
		"odd config map": {http(func(h *cdiv1.DataVolumeSourceHTTP) { h.CertConfigMap = ptr.To("A") }),
			"spec.source.http.certConfigMap", "subdomain"},
	} {
		t.Run(name, func(t *testing.T) {
			dv := valid()
			test.change(dv)
			errs := ValidateDataVolume(dv)
			require.Len(t, errs, 1)
			assert.Equal(t, test.field, errs[0].Field)
			assert.Contains(t, errs[0].Error(), test.words)
		})
	}
}

func TestErrorsOmitWhatMayBeSecret(t *testing.T) {
	dv := valid()
	dv.Spec.Source.HTTP.URL = "ftp://user:hunter2@host/"
	dv.Spec.Source.HTTP.ExtraHeaders = []string{"Authori zation: hunter2"}
	errs := ValidateDataVolume(dv)
	require.Len(t, errs, 2)
	assert.NotContains(t, errs.ToAggregate().Error(), "hunter2")
}

func TestTemplateErrorsNameTheTemplate(t *testing.T) {
	path := field.NewPath("spec", "dataVolumeTemplates").Index(1).Child("spec")
	errs := ValidateDataVolumeSpec(&cdiv1.DataVolumeSpec{Storage: valid().Spec.Storage}, path)
	require.Len(t, errs, 1)
	assert.Equal(t, "spec.dataVolumeTemplates[1].spec.source", errs[0].Field)
}

func TestSpecIsFixed(t *testing.T) {
	old := valid()
	old.ResourceVersion = "1"
	dv := old.DeepCopy()
	dv.Labels = map[string]string{"a": "b"}
	dv.Spec.Storage.Resources = requests("1024Mi")
	assert.Empty(t, ValidateDataVolumeUpdate(dv, old), "an equal size in other words is no change")

	dv.Spec.Storage.Resources = requests("2Gi")
	errs := ValidateDataVolumeUpdate(dv, old)
	require.Len(t, errs, 1)
	assert.Equal(t, "spec", errs[0].Field)
	assert.Contains(t, errs[0].Error(), "Cannot update DataVolume Spec")
}
