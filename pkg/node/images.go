// SPDX-License-Identifier: Apache-2.0

package node

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

const (
	// The labels of images, as upstream's.
	labelFiles   = "cfgdata"
	labelSysprep = "unattendCD"
	// maxImages is how many bytes all images of an instance may hold: what fits into a request.
	maxImages = 4 << 20
)

// answerFiles are what Windows looks for; one of them has to be there.
var answerFiles = []string{"autounattend.xml", "unattend.xml"}

// image is the content of a volume that is made from an object; nil where it is another volume.
func (a *Agent) image(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, volume *kubevirtv1.Volume) (*api.Image, error) {
	switch {
	case volume.ConfigMap != nil:
		source := volume.ConfigMap
		files, err := a.configMapFiles(ctx, vmi.Namespace, ptr.Deref(source.Name, ""), ptr.Deref(source.Optional, false))
		return &api.Image{Label: cmp.Or(ptr.Deref(source.VolumeLabel, ""), labelFiles), Files: files}, err
	case volume.Secret != nil:
		source := volume.Secret
		files, err := a.secretFiles(ctx, vmi.Namespace, ptr.Deref(source.SecretName, ""), ptr.Deref(source.Optional, false))
		return &api.Image{Label: cmp.Or(ptr.Deref(source.VolumeLabel, ""), labelFiles), Files: files}, err
	case volume.DownwardAPI != nil:
		return downwardImage(vmi, volume.DownwardAPI), nil
	case volume.Sysprep != nil:
		files, err := a.sysprepFiles(ctx, vmi.Namespace, volume.Sysprep)
		return &api.Image{Label: labelSysprep, Files: files}, err
	}
	return nil, nil
}

func (a *Agent) configMapFiles(ctx context.Context, namespace, name string, optional bool) (map[string][]byte, error) {
	object, err := a.Core.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if optional {
			return nil, nil
		}
		return nil, fmt.Errorf("there is no ConfigMap %q in namespace %q", name, namespace)
	}
	if err != nil {
		return nil, fmt.Errorf("read ConfigMap %q: %w", name, err)
	}
	files := make(map[string][]byte, len(object.Data)+len(object.BinaryData))
	for key, value := range object.Data {
		files[key] = []byte(value)
	}
	maps.Copy(files, object.BinaryData)
	return files, nil
}

func (a *Agent) secretFiles(ctx context.Context, namespace, name string, optional bool) (map[string][]byte, error) {
	object, err := a.Core.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if optional {
			return nil, nil
		}
		return nil, fmt.Errorf("there is no Secret %q in namespace %q", name, namespace)
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %q: %w", name, err)
	}
	return object.Data, nil
}

func downwardImage(vmi *kubevirtv1.VirtualMachineInstance, source *kubevirtv1.DownwardAPIVolumeSource) *api.Image {
	files := make(map[string][]byte, len(source.Fields))
	for _, file := range source.Fields {
		if file.FieldRef == nil {
			continue
		}
		if field, ok := kubevirtv1.ParseDownwardField(file.FieldRef.FieldPath); ok {
			files[file.Path] = []byte(field.Of(vmi))
		}
	}
	return &api.Image{Label: cmp.Or(ptr.Deref(source.VolumeLabel, ""), labelFiles), Files: files}
}

// sysprepFiles names the answers as Windows looks for them, however the key is written.
func (a *Agent) sysprepFiles(ctx context.Context, namespace string, source *kubevirtv1.SysprepSource) (map[string][]byte, error) {
	var files map[string][]byte
	var err error
	if source.Secret != nil {
		files, err = a.secretFiles(ctx, namespace, source.Secret.Name, false)
	} else if source.ConfigMap != nil {
		files, err = a.configMapFiles(ctx, namespace, source.ConfigMap.Name, false)
	}
	if err != nil {
		return nil, err
	}
	named, found := make(map[string][]byte, len(files)), false
	for key, content := range files {
		for _, name := range answerFiles {
			if strings.EqualFold(key, name) {
				key, found = name, true
			}
		}
		named[key] = content
	}
	if !found {
		return nil, fmt.Errorf("it has no key %s", strings.Join(answerFiles, " or "))
	}
	return named, nil
}

// sizeOf is how many bytes the image holds.
func sizeOf(image *api.Image) int {
	size := 0
	for _, content := range image.Files {
		size += len(content)
	}
	return size
}
