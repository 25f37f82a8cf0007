// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/authentication/user"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

func TestFrontProxiesHaveNames(t *testing.T) {
	var names []string
	newInfo := func() *genericapiserver.AuthenticationInfo {
		return &genericapiserver.AuthenticationInfo{
			Authenticator: authenticator.RequestFunc(func(r *http.Request) (*authenticator.Response, bool, error) {
				return &authenticator.Response{User: &user.DefaultInfo{Name: r.Header.Get("X-Remote-User")}}, true, nil
			}),
			RequestHeaderConfig: &authenticatorfactory.RequestHeaderConfig{
				UsernameHeaders:    headerrequest.StaticStringSlice{"X-Remote-User"},
				AllowedClientNames: headerrequest.StringSliceProviderFunc(func() []string { return names }),
			},
		}
	}
	require.ErrorContains(t, guardFrontProxies(newInfo()), "requestheader-allowed-names is empty")

	names = []string{"front-proxy-client"}
	info := newInfo()
	require.NoError(t, guardFrontProxies(info))
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("x-remote-user", "admin")
	response, ok, err := info.Authenticator.AuthenticateRequest(request)
	require.NoError(t, err)
	require.True(t, ok)
	assert.Equal(t, "admin", response.User.GetName())

	names = nil // as whoever changes the ConfigMap can
	_, ok, err = info.Authenticator.AuthenticateRequest(request)
	require.ErrorContains(t, err, "requestheader-allowed-names is empty")
	assert.False(t, ok)
	_, ok, err = info.Authenticator.AuthenticateRequest(httptest.NewRequest(http.MethodGet, "/", nil))
	require.NoError(t, err, "others are not in need of it")
	assert.True(t, ok)

	assert.NoError(t, guardFrontProxies(&genericapiserver.AuthenticationInfo{}), "where there are no front proxies")
}
