// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	"k8s.io/klog/v2"
)

// tokenRecheck is how long a token that was taken out of the file may still be accepted.
const tokenRecheck = time.Second

// tokenFile knows the tokens of a file, which it reads again when it changes. While the file is missing or
// broken, what was read last counts.
type tokenFile struct {
	path string

	mu      sync.Mutex
	checked time.Time
	read    fs.FileInfo
	tokens  authenticator.Token
}

var _ authenticator.Token = &tokenFile{}

func newTokenFile(path string) (*tokenFile, error) {
	f := &tokenFile{path: path}
	if err := f.reload(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *tokenFile) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	return f.current(ctx).AuthenticateToken(ctx, token)
}

func (f *tokenFile) current(ctx context.Context) authenticator.Token {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.checked) < tokenRecheck {
		return f.tokens
	}
	if err := f.reload(); err != nil {
		klog.FromContext(ctx).Error(err, "Tokens of before stay valid")
	}
	return f.tokens
}

func (f *tokenFile) reload() error {
	f.checked = time.Now()
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("read tokens: %w", err)
	}
	if f.read != nil && os.SameFile(info, f.read) && info.ModTime().Equal(f.read.ModTime()) && info.Size() == f.read.Size() {
		return nil
	}
	tokens, err := tokenfile.NewCSV(f.path)
	if err != nil {
		return fmt.Errorf("read tokens of %s: %w", f.path, err)
	}
	f.read, f.tokens = info, tokens
	return nil
}
