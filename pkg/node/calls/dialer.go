// SPDX-License-Identifier: Apache-2.0

package calls

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
)

// timeout is how long a call may take, below the minute after which kube-apiserver gives up.
const timeout = 50 * time.Second

// Dialer calls through the agents of nodes.
type Dialer struct {
	agents *link.Agents
}

// NewDialer returns a Dialer.
func NewDialer(agents *link.Agents) *Dialer {
	return &Dialer{agents: agents}
}

// Call has the launcher of vmi's node carry action out with in, which may be nil, and decodes its answer
// into out, which may be nil.
func (d *Dialer) Call(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, action string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	url, client, err := d.agents.Reach(ctx, vmi, action)
	if err != nil {
		return err
	}
	body, err := encode(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("call %s: %w", action, err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil && ctx.Err() != nil {
		return late(action)
	}
	if err != nil {
		return link.Unavailable(vmi, err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return link.Refusal(response)
	}
	return decode(response, out)
}

// encode gives the body for in, which is empty for nil.
func encode(in any) ([]byte, error) {
	if in == nil {
		return nil, nil
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode a call: %w", err)
	}
	return body, nil
}

func decode(response *http.Response, out any) error {
	if out == nil || response.StatusCode == http.StatusNoContent {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, api.MaxAnswerBytes+1))
	if err != nil {
		return fmt.Errorf("read the answer of a call: %w", err)
	}
	if len(body) > api.MaxAnswerBytes {
		return fmt.Errorf("read the answer of a call: it has more than %d bytes", api.MaxAnswerBytes)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("decode the answer of a call: %w", err)
	}
	return nil
}
