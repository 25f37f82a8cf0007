// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"net/http"

	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// calls are what API servers may have done, by the name of the action; see api.Actions.
func (s *Server) calls() map[string]func(*http.Request) (any, error) {
	return map[string]func(*http.Request) (any, error){
		api.ActionPause:      plain(s.manager.Pause),
		api.ActionReset:      plain(s.manager.Reset),
		api.ActionScreenshot: s.screenshot,
		api.ActionSoftReboot: plain(s.manager.SoftReboot),
		api.ActionUnpause:    plain(s.manager.Unpause),
	}
}

// plain is a call that takes and returns nothing.
func plain(do func(api.Target) error) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) { return nil, do(targetFrom(r)) }
}

func targetFrom(r *http.Request) api.Target {
	return api.Target{
		Namespace: r.PathValue("namespace"),
		Name:      r.PathValue("name"),
		UID:       types.UID(r.URL.Query().Get("uid")),
	}
}
