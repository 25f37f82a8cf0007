// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
)

const (
	sweepRetry = 30 * time.Second
	// databaseName is the file that says whose claims the volumes belong to.
	databaseName = "database"
)

// sweep removes the volumes of claims that went while the controller did not run.
func (c *Controller) sweep(ctx context.Context) {
	_ = wait.PollUntilContextCancel(ctx, sweepRetry, true, func(ctx context.Context) (bool, error) {
		if err := c.removeOrphans(ctx); err != nil {
			klog.FromContext(ctx).Error(err, "Removal of unused volumes failed, trying again")
			return false, nil
		}
		return true, nil
	})
}

// removeOrphans leaves everything alone where the volumes were made for another database: with a database
// that was lost or set back, all claims seem gone, and their disks are the last that the user has.
func (c *Controller) removeOrphans(ctx context.Context) error {
	if err := c.store.finishRemovals(); err != nil {
		return err
	}
	orphans, err := c.orphans(ctx)
	if err != nil {
		return err
	}
	namespace, err := c.core.CoreV1().Namespaces().Get(ctx, metav1.NamespaceDefault, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("tell databases apart: %w", err)
	}
	belong, err := c.store.belongsTo(namespace.UID, len(orphans) == 0)
	if err != nil {
		return err
	}
	if !belong {
		klog.FromContext(ctx).Info("Volumes of another database are left alone: restore that database, or remove their directories",
			"directory", c.store.Path(), "volumes", orphans)
		return nil
	}
	var errs []error
	for _, uid := range orphans {
		errs = append(errs, c.store.remove(uid))
	}
	return errors.Join(errs...)
}

// orphans are the volumes whose claim the API, asked itself, does not have.
func (c *Controller) orphans(ctx context.Context) ([]types.UID, error) {
	kept, err := c.store.claims()
	if err != nil || len(kept) == 0 {
		return nil, err
	}
	claims, err := c.core.CoreV1().PersistentVolumeClaims(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("look for the claims of all volumes: %w", err)
	}
	uids := sets.New[types.UID]()
	for i := range claims.Items {
		uids.Insert(claims.Items[i].UID)
	}
	return slices.DeleteFunc(kept, uids.Has), nil
}

// belongsTo says whether the volumes were made for the database of that identity. With adopt they are from
// now on, whatever is known.
func (s *Store) belongsTo(database types.UID, adopt bool) (bool, error) {
	known, err := s.root.ReadFile(databaseName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("read whose volumes these are: %w", err)
	}
	if string(known) == string(database) || !adopt {
		return string(known) == string(database), nil
	}
	const written = databaseName + ".new"
	if err := s.root.WriteFile(written, []byte(database), diskMode); err != nil {
		return false, fmt.Errorf("note whose volumes these are: %w", err)
	}
	if err := s.root.Rename(written, databaseName); err != nil {
		return false, fmt.Errorf("note whose volumes these are: %w", err)
	}
	return true, nil
}
