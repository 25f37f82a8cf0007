// SPDX-License-Identifier: Apache-2.0

package source

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// dockerConfig is the content of a Secret of type kubernetes.io/dockerconfigjson.
type dockerConfig struct {
	Auths map[string]dockerAuth `json:"auths"`
}

type dockerAuth struct {
	Username      string `json:"username"`
	Password      string `json:"password"`
	Auth          string `json:"auth"`
	IdentityToken string `json:"identitytoken"`
}

// SetCredentials takes those for the container's registry from config, the content of a dockerconfigjson
// Secret: of the entries for its host that with the longest path that the image's name begins with. Where
// there is none, the container is left as it is. Errors do not repeat what config holds.
func (c *Container) SetCredentials(config []byte) error {
	if _, onDisk := ParseLocal(c.Image); onDisk {
		return nil
	}
	reference, err := name.ParseReference(c.Image)
	if err != nil {
		return fmt.Errorf("%q is no reference to an image", c.Image)
	}
	var parsed dockerConfig
	if err := json.Unmarshal(config, &parsed); err != nil {
		return errors.New("its .dockerconfigjson can't be read: it is made with kubectl create secret docker-registry")
	}
	best := -1
	var chosen dockerAuth
	for key, auth := range parsed.Auths {
		if path, ok := matchRegistry(key, reference.Context()); ok && len(path) > best {
			best, chosen = len(path), auth
		}
	}
	if best < 0 {
		return nil
	}
	c.Username, c.Password, c.Token, err = chosen.split()
	return err
}

// matchRegistry says whether key, such as "https://HOST/v1/" or "HOST/PATH", is for the repository, and
// returns the path in it.
func matchRegistry(key string, repository name.Repository) (string, bool) {
	_, rest, found := strings.Cut(key, "://")
	if !found {
		rest = key
	}
	host, path, _ := strings.Cut(rest, "/")
	path = strings.Trim(path, "/")
	if path == "v1" || path == "v2" { // of the registry's API
		path = ""
	}
	registry, err := name.NewRegistry(host)
	if err != nil || registry.RegistryStr() != repository.RegistryStr() {
		return "", false
	}
	if path != "" && repository.RepositoryStr() != path && !strings.HasPrefix(repository.RepositoryStr(), path+"/") {
		return "", false
	}
	return path, true
}

func (a dockerAuth) split() (username, password, token string, err error) {
	if a.Auth == "" {
		return a.Username, a.Password, a.IdentityToken, nil
	}
	decoded, err := base64.StdEncoding.DecodeString(a.Auth)
	username, password, found := strings.Cut(string(decoded), ":")
	if err != nil || !found {
		return "", "", "", errors.New("the auth of its .dockerconfigjson is no base64 of USER:PASSWORD")
	}
	return username, strings.TrimRight(password, "\x00"), a.IdentityToken, nil
}
