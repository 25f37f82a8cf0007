// SPDX-License-Identifier: Apache-2.0

package auth

import (
	apiserverapi "k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/request/websocket"
	"k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

// newAuthenticator refuses wrong credentials even where none are needed.
func newAuthenticator(ca dynamiccertificates.CAContentProvider, tokenFile string) (authenticator.Request, error) {
	known := []authenticator.Request{x509.NewDynamic(ca.VerifyOptions, x509.CommonNameUserConversion)}
	if tokenFile != "" {
		tokens, err := newTokenFile(tokenFile)
		if err != nil {
			return nil, err
		}
		known = append(known, bearertoken.New(tokens), websocket.NewProtocolAuthenticator(tokens))
	}
	var open []apiserverapi.AnonymousAuthCondition
	for _, path := range healthPaths() {
		open = append(open, apiserverapi.AnonymousAuthCondition{Path: path})
	}
	return union.NewFailOnError(
		group.NewAuthenticatedGroupAdder(union.New(known...)),
		anonymous.NewAuthenticator(open),
	), nil
}
