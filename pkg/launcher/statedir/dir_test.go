// SPDX-License-Identifier: Apache-2.0

package statedir

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

const testUID = types.UID("0f3b1d5c-7a52-4c1e-9a53-6f0d2f8f7c11")

func open(t *testing.T) *Dir {
	t.Helper()
	dir, err := Open(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = dir.Close() })
	return dir
}

func record() *Record {
	return &Record{
		Namespace: "shop", Name: "web-1", UID: testUID, UUID: "ac5aefe5-9df4-599a-8f33-774ed58fc394",
		StartedAt: time.Unix(1700000000, 0).UTC(), Deadline: time.Unix(1700000030, 0).UTC(),
		Kill: &End{State: api.StateFailed, Reason: api.ReasonKilled},
	}
}

func TestRecordsAreFoundAgain(t *testing.T) {
	dir := open(t)
	require.NoError(t, dir.Save(record()))
	ended := record()
	ended.End = &End{State: api.StateSucceeded}
	require.NoError(t, dir.Save(ended))
	records, broken, err := dir.Records()
	require.NoError(t, err)
	assert.Empty(t, broken)
	assert.Equal(t, []Record{*ended}, records)
}

func TestHalfARecordIsTold(t *testing.T) {
	dir := open(t)
	require.NoError(t, dir.Save(record()))
	require.NoError(t, os.WriteFile(dir.file(testUID, recordFile), []byte(`{"namespa`), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir.Path(), domainsDir, "lost+found"), 0o700))
	records, broken, err := dir.Records()
	require.NoError(t, err)
	assert.Empty(t, records)
	assert.Equal(t, []types.UID{testUID}, broken)
}

func TestOneLauncherHasTheDirectory(t *testing.T) {
	dir := open(t)
	_, err := Open(dir.Path())
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, dir.Close())
	again, err := Open(dir.Path())
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestRemoveLeavesNothingAndCanBeRepeated(t *testing.T) {
	dir := open(t)
	require.NoError(t, dir.Save(record()))
	f, err := dir.MakeEmpty(testUID, "scratch", 1<<30)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, dir.Remove(testUID))
	require.NoError(t, dir.Remove(testUID))
	entries, err := os.ReadDir(filepath.Join(dir.Path(), domainsDir))
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestNamesThatLeadOutAreRefused(t *testing.T) {
	dir := open(t)
	require.NoError(t, dir.Save(record()))
	escape := record()
	escape.UID = "../../x"
	require.Error(t, dir.Save(escape))
	require.Error(t, dir.Remove("../.."))
	_, err := dir.MakeEmpty(testUID, "../../x", 1)
	require.ErrorContains(t, err, "is no DNS label")
}

func TestLinkInPlaceOfAFileIsNotFollowed(t *testing.T) {
	dir := open(t)
	require.NoError(t, dir.Save(record()))
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("precious"), 0o600))
	require.NoError(t, os.Symlink(outside, dir.file(testUID, "scratch.img")))
	f, err := dir.MakeEmpty(testUID, "scratch", 1<<20)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	content, err := os.ReadFile(outside)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(content))
}

func TestEmptyDiskIsSparse(t *testing.T) {
	dir := open(t)
	require.NoError(t, dir.Save(record()))
	f, err := dir.MakeEmpty(testUID, "scratch", 1<<40)
	require.NoError(t, err)
	defer f.Close()
	assert.Equal(t, dir.file(testUID, "scratch.img"), f.Name())
	info, err := f.Stat()
	require.NoError(t, err)
	assert.Equal(t, int64(1<<40), info.Size())
}

func TestSeedThatCouldNotBeWrittenLeavesNoWorkspace(t *testing.T) {
	dir := open(t)
	require.NoError(t, dir.Save(record()))
	_, err := dir.MakeSeed(testUID, "init", func(_ *os.File, workspace string) error {
		info, err := os.Stat(workspace)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
		return errors.New("disk full")
	})
	require.ErrorContains(t, err, "seed init: disk full")
	assert.NoDirExists(t, dir.file(testUID, workspaceDir))
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"namespace":"shop","name":"web-1","uid":"` + string(testUID) + `"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		record, err := parseRecord(raw, string(testUID))
		if err == nil {
			require.Equal(t, testUID, record.UID)
		}
	})
}
