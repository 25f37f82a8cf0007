// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"net/http"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

var errNoProxyNames = errors.New("requestheader-allowed-names is empty, so that whoever has a certificate of the front proxies' " +
	"authority could name any user: name the front proxies' certificates there, " +
	"in the ConfigMap kube-system/extension-apiserver-authentication or by --requestheader-allowed-names")

// guardFrontProxies lets no request be of a user that its headers name where the certificates that may do so are not
// named. The library takes an empty list for all. It refuses to begin so, and goes on without should the list of
// the cluster become empty.
func guardFrontProxies(info *genericapiserver.AuthenticationInfo) error {
	config := info.RequestHeaderConfig
	if config == nil {
		return nil
	}
	if len(config.AllowedClientNames.Value()) == 0 {
		return errNoProxyNames
	}
	info.Authenticator = frontProxies{next: info.Authenticator, allowed: config.AllowedClientNames, headers: config.UsernameHeaders}
	return nil
}

type frontProxies struct {
	next             authenticator.Request
	allowed, headers headerrequest.StringSliceProvider
}

// AuthenticateRequest implements authenticator.Request.
func (p frontProxies) AuthenticateRequest(r *http.Request) (*authenticator.Response, bool, error) {
	if len(p.allowed.Value()) == 0 {
		for _, header := range p.headers.Value() {
			if len(r.Header.Values(header)) > 0 {
				return nil, false, errNoProxyNames
			}
		}
	}
	return p.next.AuthenticateRequest(r)
}
