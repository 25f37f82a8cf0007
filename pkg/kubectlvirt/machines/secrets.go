// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
)

// secretPatch is a merge patch: it names what it changes, and leaves all else to others.
type secretPatch struct {
	Metadata metav1.Preconditions `json:"metadata,omitzero"`
	// Data that is null goes.
	Data map[string][]byte `json:"data"`
}

// secrets makes a request for Secrets. The typed client of them would add megabytes to the plugin.
func (c *Client) secrets(request *rest.Request) *rest.Request {
	return request.AbsPath("/api/v1").Namespace(c.Namespace).Resource("secrets")
}

// Secret returns the Secret of a name. An error tells one that is not there.
func (c *Client) Secret(ctx context.Context, name string) (*corev1.Secret, error) {
	result := c.secrets(c.clientset.KubevirtV1().RESTClient().Get()).Name(name).Do(ctx)
	if err := result.Error(); err != nil {
		return nil, c.explainSecret(name, "get", err)
	}
	return readSecret(result)
}

func readSecret(result rest.Result) (*corev1.Secret, error) {
	body, err := result.Raw()
	if err != nil {
		return nil, err
	}
	secret := &corev1.Secret{}
	if err := json.Unmarshal(body, secret); err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	return secret, nil
}

// ChangeSecret has change say which values become what, or nil where they are to go; nothing is asked of the server
// where it names none. It is asked again where others change the Secret meanwhile, so nothing of theirs is lost.
func (c *Client) ChangeSecret(ctx context.Context, name string, change func(*corev1.Secret) (map[string][]byte, error)) (changed bool, err error) {
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		changed = false
		secret, err := c.Secret(ctx, name)
		if err != nil {
			return err
		}
		values, err := change(secret)
		if err != nil || len(values) == 0 {
			return err
		}
		changed = true
		return c.patchSecret(ctx, name, metav1.Preconditions{UID: &secret.UID, ResourceVersion: &secret.ResourceVersion}, values)
	})
	return changed && err == nil, err
}

// SetSecretValue sets one value of a Secret, whatever others do to the rest. With a uid it is that Secret, and not
// another of its name; without, the Secret need not be readable.
func (c *Client) SetSecretValue(ctx context.Context, name string, uid types.UID, key string, value []byte) error {
	preconditions := metav1.Preconditions{}
	if uid != "" {
		preconditions.UID = &uid
	}
	return c.patchSecret(ctx, name, preconditions, map[string][]byte{key: value})
}

func (c *Client) patchSecret(ctx context.Context, name string, preconditions metav1.Preconditions, values map[string][]byte) error {
	body, err := json.Marshal(secretPatch{preconditions, values})
	if err != nil {
		return err
	}
	request := c.clientset.KubevirtV1().RESTClient().Patch(types.MergePatchType)
	if err := c.secrets(request).Name(name).Body(body).Do(ctx).Error(); err != nil {
		return c.explainSecret(name, "patch", err)
	}
	return nil
}

// createSecret makes a Secret and returns it as it is stored.
func (c *Client) createSecret(ctx context.Context, secret *corev1.Secret) (*corev1.Secret, error) {
	body, err := json.Marshal(secret)
	if err != nil {
		return nil, err
	}
	request := c.clientset.KubevirtV1().RESTClient().Post().SetHeader("Content-Type", "application/json")
	result := c.secrets(request).Body(body).Do(ctx)
	if err := result.Error(); err != nil {
		return nil, c.explainSecret(secret.Name, "create", err)
	}
	return readSecret(result)
}

func (c *Client) deleteSecret(ctx context.Context, secret *corev1.Secret) error {
	body, err := json.Marshal(metav1.NewPreconditionDeleteOptions(string(secret.UID)))
	if err != nil {
		return err
	}
	request := c.clientset.KubevirtV1().RESTClient().Delete().SetHeader("Content-Type", "application/json")
	return c.secrets(request).Name(secret.Name).Body(body).Do(ctx).Error()
}

// explainSecret keeps what the error is, so that a caller can tell a Secret that is not there.
func (c *Client) explainSecret(name, verb string, err error) error {
	switch {
	case isMissing(err):
		return &Hinted{err, []string{"Make it: " + c.Command("create secret generic %s", name)}}
	case apierrors.IsAlreadyExists(err):
		return &Hinted{err, []string{"Leave --secret out for a name that nothing has"}}
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		target := "secrets"
		if verb != "create" {
			target += "/" + name
		}
		return &Hinted{err, []string{"You may ask: " + c.Command("auth can-i %s %s", verb, target)}}
	default:
		return c.explain(err)
	}
}
