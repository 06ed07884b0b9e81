package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"time"

	"anyversion"
	"github.com/hibiken/asynq/internal/base"
	asynqerrors "github.com/hibiken/asynq/internal/errors"
	"github.com/hibiken/asynq/internal/rdb"
)

// Calls the broker under asynq's servers and clients; see setClock.
func (p *peer) callBroker(c anyversion.MethodCall) (any, error) { return p.Call(p.broker, c) }

// Stops the broker's clock at an instant. It runs by itself until then.
func (p *peer) setClock(args struct{ Now time.Time }) (any, error) {
	p.clock.SetTime(args.Now)
	p.broker.SetClock(p.clock)
	return nil, nil
}

// Makes the broker anew: it remembers which queues it has registered, even those of a Redis that was emptied since.
func (p *peer) renewBroker(struct{}) (any, error) {
	p.broker = rdb.NewRDB(p.redis)
	return nil, nil
}

// The broker's errors, which callers of asynq's public surface never see; else asynq's own code.
func code(err error) string {
	switch {
	case errors.Is(err, asynqerrors.ErrDuplicateTask):
		return "duplicate"
	case errors.Is(err, asynqerrors.ErrTaskIdConflict):
		return "conflict"
	case errors.Is(err, asynqerrors.ErrNoProcessableTask):
		return "empty"
	case asynqerrors.IsQueueNotEmpty(err):
		return "queue-not-empty"
	}
	return asynqerrors.CanonicalCode(err).String()
}

// Records of asynq's are said in their wire form, in hexadecimal.
func readRecord(raw json.RawMessage, to reflect.Type) (any, bool, error) {
	decoders := map[reflect.Type]func([]byte) (any, error){
		reflect.TypeFor[*base.TaskMessage]():           decoded(base.DecodeMessage),
		reflect.TypeFor[*base.ServerInfo]():            decoded(base.DecodeServerInfo),
		reflect.TypeFor[*base.WorkerInfo]():            decoded(base.DecodeWorkerInfo),
		reflect.TypeFor[*base.SchedulerEntry]():        decoded(base.DecodeSchedulerEntry),
		reflect.TypeFor[*base.SchedulerEnqueueEvent](): decoded(base.DecodeSchedulerEnqueueEvent),
	}
	decode, ok := decoders[to]
	if !ok {
		return nil, false, nil
	}
	var bytes anyversion.HexBytes
	if err := json.Unmarshal(raw, &bytes); err != nil {
		return nil, true, err
	}
	record, err := decode(bytes)
	return record, true, err
}

func decoded[R any](decode func([]byte) (R, error)) func([]byte) (any, error) {
	return func(bytes []byte) (any, error) { return decode(bytes) }
}

func showRecord(value any) (any, bool) {
	switch v := value.(type) {
	case *base.TaskMessage:
		return encoded(base.EncodeMessage(v)), true
	case *base.ServerInfo:
		return encoded(base.EncodeServerInfo(v)), true
	case *base.WorkerInfo:
		return encoded(base.EncodeWorkerInfo(v)), true
	case *base.SchedulerEntry:
		return encoded(base.EncodeSchedulerEntry(v)), true
	case *base.SchedulerEnqueueEvent:
		return encoded(base.EncodeSchedulerEnqueueEvent(v)), true
	}
	return nil, false
}

func encoded(bytes []byte, err error) any {
	if err != nil {
		return map[string]string{"error": err.Error()}
	}
	return hex.EncodeToString(bytes)
}
