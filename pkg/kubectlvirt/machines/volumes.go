// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"fmt"
	"net/url"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// AddVolume gives the instance's guest a disk, until it ends.
func (c *Client) AddVolume(ctx context.Context, name string, options *kubevirtv1.AddVolumeOptions) error {
	return c.actOnInstance(ctx, name, "addvolume", options)
}

// AddVolumeToMachine gives the machine a disk, and its guest where that runs.
func (c *Client) AddVolumeToMachine(ctx context.Context, name string, options *kubevirtv1.AddVolumeOptions) error {
	return c.act(ctx, name, "addvolume", options)
}

// RemoveVolume takes a disk from the instance's guest.
func (c *Client) RemoveVolume(ctx context.Context, name string, options *kubevirtv1.RemoveVolumeOptions) error {
	return c.actOnInstance(ctx, name, "removevolume", options)
}

// RemoveVolumeFromMachine takes a disk from the machine, and from its guest where that runs.
func (c *Client) RemoveVolumeFromMachine(ctx context.Context, name string, options *kubevirtv1.RemoveVolumeOptions) error {
	return c.act(ctx, name, "removevolume", options)
}

// FindVolume returns the DataVolume of a name, or else the claim.
func (c *Client) FindVolume(ctx context.Context, name string) (*kubevirtv1.HotplugVolumeSource, error) {
	_, err := c.clientset.CdiV1beta1().DataVolumes(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		return &kubevirtv1.HotplugVolumeSource{DataVolume: &kubevirtv1.DataVolumeSource{Name: name, Hotpluggable: ptr.To(true)}}, nil
	}
	if !isMissing(err) {
		return nil, c.explain(err)
	}
	path := fmt.Sprintf("/api/v1/namespaces/%s/persistentvolumeclaims/%s", url.PathEscape(c.Namespace), url.PathEscape(name))
	err = c.clientset.KubevirtV1().RESTClient().Get().AbsPath(path).Do(ctx).Error()
	switch {
	case isMissing(err):
		return nil, &Hinted{
			fmt.Errorf("there is neither a DataVolume nor a claim %q in namespace %q", name, c.Namespace),
			[]string{"Those that are there: " + c.Command("get datavolumes,persistentvolumeclaims")},
		}
	case err != nil:
		return nil, c.explain(err)
	}
	source := &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: name, Hotpluggable: ptr.To(true)}
	return &kubevirtv1.HotplugVolumeSource{PersistentVolumeClaim: source}, nil
}
