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
		api.ActionFileSystems: giving(s.manager.FileSystems),
		api.ActionFreeze:      taking(s.manager.Freeze),
		api.ActionGuestInfo:   giving(s.manager.GuestInfo),
		api.ActionPause:       plain(s.manager.Pause),
		api.ActionReset:       plain(s.manager.Reset),
		api.ActionScreenshot:  s.screenshot,
		api.ActionSoftReboot:  plain(s.manager.SoftReboot),
		api.ActionUnfreeze:    plain(s.manager.Unfreeze),
		api.ActionUnpause:     plain(s.manager.Unpause),
		api.ActionUsers:       giving(s.manager.Users),
	}
}

// agentCalls are what the node's agent may have done besides.
func (s *Server) agentCalls() map[string]func(*http.Request) (any, error) {
	return map[string]func(*http.Request) (any, error){
		api.ActionCredentials: taking(s.manager.SetCredentials),
		api.ActionExec: func(r *http.Request) (any, error) {
			var request api.ExecRequest
			if err := decode(r, &request); err != nil {
				return nil, err
			}
			return s.manager.Exec(targetFrom(r), request)
		},
		api.ActionPing: taking(s.manager.Ping),
	}
}

// plain is a call that takes and returns nothing.
func plain(do func(api.Target) error) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) { return nil, do(targetFrom(r)) }
}

// taking is a call that takes options.
func taking[Options any](do func(api.Target, Options) error) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var options Options
		if err := decode(r, &options); err != nil {
			return nil, err
		}
		return nil, do(targetFrom(r), options)
	}
}

// giving is a call that returns something.
func giving[Answer any](do func(api.Target) (Answer, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) { return do(targetFrom(r)) }
}

func targetFrom(r *http.Request) api.Target {
	return api.Target{
		Namespace: r.PathValue("namespace"),
		Name:      r.PathValue("name"),
		UID:       types.UID(r.URL.Query().Get("uid")),
	}
}
