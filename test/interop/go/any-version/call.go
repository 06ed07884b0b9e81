package anyversion

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/hibiken/asynq"
)

type methodCall struct {
	Call string            `json:"call"`
	With []json.RawMessage `json:"with"`
}

// Calls a method of asynq's inspector by its name.
func (p *peer) inspect(c methodCall) (any, error) {
	method := reflect.ValueOf(p.inspector).MethodByName(c.Call)
	if !method.IsValid() {
		return nil, fmt.Errorf("the inspector has no %s", c.Call)
	}
	of := method.Type()
	var in []reflect.Value
	for i, raw := range c.With {
		if i >= of.NumIn() {
			return nil, fmt.Errorf("%s wants %d arguments", c.Call, of.NumIn())
		}
		values, err := argument(raw, of.In(i))
		if err != nil {
			return nil, err
		}
		in = append(in, values...)
	}
	out := method.Call(in)
	failure := out[len(out)-1]
	if err, failed := failure.Interface().(error); failed {
		return nil, err
	}
	if len(out) == 1 {
		return nil, nil
	}
	return toJSON(out[0]), nil
}

// The names of all it can be asked.
func methods(inspector *asynq.Inspector) []string {
	of := reflect.TypeOf(inspector)
	names := []string{}
	for i := range of.NumMethod() {
		names = append(names, of.Method(i).Name)
	}
	return names
}

// One value, but for list options, which are two.
func argument(raw json.RawMessage, to reflect.Type) ([]reflect.Value, error) {
	switch to {
	case reflect.TypeFor[[]byte]():
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, err
		}
		bytes, err := hex.DecodeString(text)
		return []reflect.Value{reflect.ValueOf(bytes)}, err
	case reflect.TypeFor[[]asynq.ListOption]():
		var options struct{ Page, Size int }
		err := json.Unmarshal(raw, &options)
		return []reflect.Value{
			reflect.ValueOf(asynq.Page(options.Page)),
			reflect.ValueOf(asynq.PageSize(options.Size)),
		}, err
	}
	value := reflect.New(to)
	err := json.Unmarshal(raw, value.Interface())
	return []reflect.Value{value.Elem()}, err
}

// What the other side can read: see the head of main.go.
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
	case *asynq.Task:
		return map[string]any{"Type": v.Type(), "Payload": hex.EncodeToString(v.Payload()), "Headers": headers(v)}
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

// None before v0.26.0, whose tasks cannot be asked for them.
func headers(task any) map[string]string {
	if has, ok := task.(interface{ Headers() map[string]string }); ok {
		return has.Headers()
	}
	return nil
}
