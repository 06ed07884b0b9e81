package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynq/internal/base"
	"github.com/hibiken/asynq/internal/rdb"
)

// A length of time in Go's own words.
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}

// Bytes that may be none at all, which asynq tells from empty ones.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) error {
	parsed, err := hex.DecodeString(string(text))
	if parsed == nil {
		parsed = []byte{}
	}
	*b = parsed
	return err
}

type listOptions struct {
	Page int `json:"page"`
	Size int `json:"size"`
}

var errorType = reflect.TypeFor[error]()

// Calls a method of asynq's by its name, with arguments as its parameters want them.
func call(on any, name string, args []json.RawMessage) (any, error) {
	method := reflect.ValueOf(on).MethodByName(name)
	if !method.IsValid() {
		return nil, fmt.Errorf("%T has no %s", on, name)
	}
	of := method.Type()
	var in []reflect.Value
	for i := range of.NumIn() {
		if of.In(i) == reflect.TypeFor[context.Context]() {
			in = append(in, reflect.ValueOf(context.Background()))
			continue
		}
		if of.IsVariadic() && i == of.NumIn()-1 {
			for _, raw := range args {
				value, err := fromJSON(raw, of.In(i).Elem())
				if err != nil {
					return nil, err
				}
				in = append(in, value...)
			}
			break
		}
		if len(args) == 0 {
			return nil, fmt.Errorf("%s wants more arguments", name)
		}
		value, err := fromJSON(args[0], of.In(i))
		if err != nil {
			return nil, err
		}
		in = append(in, value...)
		args = args[1:]
	}
	out := method.Call(in)
	results := []any{}
	for _, value := range out {
		if value.Type() == errorType {
			if err, failed := value.Interface().(error); failed {
				return nil, err
			}
			continue
		}
		results = append(results, toJSON(value))
	}
	switch len(results) {
	case 0:
		return nil, nil
	case 1:
		return results[0], nil
	}
	return results, nil
}

// One value, but for list options, which are two.
func fromJSON(raw json.RawMessage, to reflect.Type) ([]reflect.Value, error) {
	one := func(value any, err error) ([]reflect.Value, error) {
		return []reflect.Value{reflect.ValueOf(value)}, err
	}
	var text string
	read := func() error { return json.Unmarshal(raw, &text) }
	record := func(decode func([]byte) (any, error)) ([]reflect.Value, error) {
		var bytes hexBytes
		if err := json.Unmarshal(raw, &bytes); err != nil {
			return nil, err
		}
		return one(decode(bytes))
	}
	switch to {
	case reflect.TypeFor[[]byte]():
		var bytes hexBytes
		err := json.Unmarshal(raw, &bytes)
		return one([]byte(bytes), err)
	case reflect.TypeFor[time.Duration]():
		if err := read(); err != nil {
			return nil, err
		}
		return one(time.ParseDuration(text))
	case reflect.TypeFor[*base.TaskMessage]():
		return record(func(b []byte) (any, error) { return base.DecodeMessage(b) })
	case reflect.TypeFor[*base.ServerInfo]():
		return record(func(b []byte) (any, error) { return base.DecodeServerInfo(b) })
	case reflect.TypeFor[*base.WorkerInfo]():
		return record(func(b []byte) (any, error) { return base.DecodeWorkerInfo(b) })
	case reflect.TypeFor[*base.SchedulerEntry]():
		return record(func(b []byte) (any, error) { return base.DecodeSchedulerEntry(b) })
	case reflect.TypeFor[*base.SchedulerEnqueueEvent]():
		return record(func(b []byte) (any, error) { return base.DecodeSchedulerEnqueueEvent(b) })
	case reflect.TypeFor[asynq.ListOption]():
		var options listOptions
		err := json.Unmarshal(raw, &options)
		return []reflect.Value{
			reflect.ValueOf(asynq.Page(options.Page)),
			reflect.ValueOf(asynq.PageSize(options.Size)),
		}, err
	}
	if to.Kind() == reflect.Slice {
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, err
		}
		slice := reflect.MakeSlice(to, 0, len(items))
		for _, item := range items {
			values, err := fromJSON(item, to.Elem())
			if err != nil {
				return nil, err
			}
			slice = reflect.Append(slice, values...)
		}
		return []reflect.Value{slice}, nil
	}
	value := reflect.New(to)
	err := json.Unmarshal(raw, value.Interface())
	return []reflect.Value{value.Elem()}, err
}

// What the other side can read: see the head of main.go. Records of asynq's that have a wire form are in that form.
func toJSON(value reflect.Value) any {
	switch v := value.Interface().(type) {
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v.UTC().Format(time.RFC3339Nano)
	case time.Duration:
		return v.String()
	case []byte:
		if v == nil {
			return nil
		}
		return hex.EncodeToString(v)
	case *base.TaskMessage:
		return encoded(base.EncodeMessage(v))
	case *base.ServerInfo:
		return encoded(base.EncodeServerInfo(v))
	case *base.WorkerInfo:
		return encoded(base.EncodeWorkerInfo(v))
	case *base.SchedulerEntry:
		return encoded(base.EncodeSchedulerEntry(v))
	case *base.SchedulerEnqueueEvent:
		return encoded(base.EncodeSchedulerEnqueueEvent(v))
	case *asynq.Task:
		return map[string]any{
			"Type":    v.Type(),
			"Payload": hex.EncodeToString(v.Payload()),
			"Headers": v.Headers(),
		}
	case fmt.Stringer:
		return v.String()
	}
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			return nil
		}
		return toJSON(value.Elem())
	case reflect.Slice:
		items := []any{}
		for i := range value.Len() {
			items = append(items, toJSON(value.Index(i)))
		}
		return items
	case reflect.Struct:
		fields := map[string]any{}
		for i := range value.NumField() {
			if field := value.Type().Field(i); field.IsExported() {
				fields[field.Name] = toJSON(value.Field(i))
			}
		}
		return fields
	}
	return value.Interface()
}

func encoded(bytes []byte, err error) any {
	if err != nil {
		return map[string]string{"error": err.Error()}
	}
	return hex.EncodeToString(bytes)
}

type methodCall struct {
	Call string            `json:"call"`
	With []json.RawMessage `json:"with"`
}

// Calls asynq's inspector.
func (p *peer) inspect(c methodCall) (any, error) { return call(p.inspector, c.Call, c.With) }

// Calls the broker under asynq's servers and clients; see setClock.
func (p *peer) callBroker(c methodCall) (any, error) { return call(p.broker, c.Call, c.With) }

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
