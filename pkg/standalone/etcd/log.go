// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"errors"
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/klog/v2"
)

// logCore hands what etcd logs, warnings and worse, to the logger of this process. While etcd is being closed
// it keeps silent: etcd then reports each of its listeners as failed.
type logCore struct {
	logger  klog.Logger
	closing *atomic.Bool
}

var _ zapcore.Core = logCore{}

func newZapLogger(logger klog.Logger, closing *atomic.Bool) *zap.Logger {
	return zap.New(logCore{logger: logger.WithName("etcd"), closing: closing})
}

func (c logCore) Enabled(level zapcore.Level) bool {
	if c.closing.Load() {
		return level > zapcore.ErrorLevel
	}
	return level >= zapcore.WarnLevel
}

func (c logCore) With(fields []zapcore.Field) zapcore.Core {
	c.logger = c.logger.WithValues(keysAndValues(fields)...)
	return c
}

func (c logCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

func (c logCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	values := keysAndValues(fields)
	if entry.Level == zapcore.WarnLevel {
		c.logger.Info(entry.Message, append(values, "severity", "warning")...)
		return nil
	}
	c.logger.Error(errors.New(entry.Message), "etcd failed", values...)
	if entry.Level > zapcore.ErrorLevel {
		// etcd ends the process right after this.
		klog.Flush()
	}
	return nil
}

func (c logCore) Sync() error {
	klog.Flush()
	return nil
}

func keysAndValues(fields []zapcore.Field) []any {
	encoder := zapcore.NewMapObjectEncoder()
	values := make([]any, 0, 2*len(fields))
	for _, field := range fields {
		field.AddTo(encoder)
		values = append(values, field.Key, encoder.Fields[field.Key])
	}
	return values
}
