package anyversion

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/hibiken/asynq"
)

// Duration is a length of time in Go's own words.
type Duration time.Duration

func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// HexBytes are bytes that may be none at all, which asynq tells from empty ones.
type HexBytes []byte

func (b *HexBytes) UnmarshalText(text []byte) error {
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

// MethodCall names a method, and its arguments but for a context.
type MethodCall struct {
	Call string            `json:"call"`
	With []json.RawMessage `json:"with"`
}

// Call calls a method of asynq's by its name, with arguments as its parameters want them.
func (p *Peer) Call(on any, c MethodCall) (any, error) {
	name, args := c.Call, c.With
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
				value, err := p.fromJSON(raw, of.In(i).Elem())
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
		value, err := p.fromJSON(args[0], of.In(i))
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
		results = append(results, p.toJSON(value))
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
func (p *Peer) fromJSON(raw json.RawMessage, to reflect.Type) ([]reflect.Value, error) {
	one := func(value any, err error) ([]reflect.Value, error) {
		return []reflect.Value{reflect.ValueOf(value)}, err
	}
	if p.newer.Read != nil {
		if value, ok, err := p.newer.Read(raw, to); ok {
			return one(value, err)
		}
	}
	switch to {
	case reflect.TypeFor[[]byte]():
		var bytes HexBytes
		err := json.Unmarshal(raw, &bytes)
		return one([]byte(bytes), err)
	case reflect.TypeFor[time.Duration]():
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, err
		}
		return one(time.ParseDuration(text))
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
			values, err := p.fromJSON(item, to.Elem())
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

// What the other side can read: see the head of main.go.
func (p *Peer) toJSON(value reflect.Value) any {
	if p.newer.Show != nil {
		if shown, ok := p.newer.Show(value.Interface()); ok {
			return shown
		}
	}
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
	case *asynq.Task:
		return map[string]any{
			"Type":    v.Type(),
			"Payload": hex.EncodeToString(v.Payload()),
			"Headers": headers(v),
		}
	case fmt.Stringer:
		return v.String()
	}
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			return nil
		}
		return p.toJSON(value.Elem())
	case reflect.Slice:
		items := []any{}
		for i := range value.Len() {
			items = append(items, p.toJSON(value.Index(i)))
		}
		return items
	case reflect.Struct:
		fields := map[string]any{}
		for i := range value.NumField() {
			if field := value.Type().Field(i); field.IsExported() {
				fields[field.Name] = p.toJSON(value.Field(i))
			}
		}
		return fields
	}
	return value.Interface()
}

// None before v0.26.0, whose tasks cannot be asked for them.
func headers(task any) map[string]string {
	if has, ok := task.(interface{ Headers() map[string]string }); ok {
		return has.Headers()
	}
	return nil
}

// The names of all that the inspector can be asked.
func methods(inspector *asynq.Inspector) []string {
	of := reflect.TypeOf(inspector)
	names := []string{}
	for i := range of.NumMethod() {
		names = append(names, of.Method(i).Name)
	}
	return names
}
