// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"encoding/json"
	"fmt"
)

// Guest asks the agent in the instance's guest, and reads what it tells into answer.
func (c *Client) Guest(ctx context.Context, name, action string, answer any) error {
	body, err := c.clientset.KubevirtV1().RESTClient().Get().AbsPath(c.path(Instances, name, action)).DoRaw(ctx)
	if err != nil {
		return c.explainPlain(ctx, name, action, err)
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("read what the agent of %s tells: %w", name, err)
	}
	return nil
}
