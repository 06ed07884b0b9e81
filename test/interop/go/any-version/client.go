package anyversion

import (
	"reflect"
	"time"

	"github.com/hibiken/asynq"
)

// NewTask is a task to be, and the options of its enqueueing.
type NewTask struct {
	Type string `json:"type"`
	// Absent: none at all, which asynq tells from an empty one.
	Payload *HexBytes         `json:"payload"`
	Headers map[string]string `json:"headers"`
	Options Options           `json:"options"`
}

// Options of an enqueue; absent ones are asynq's to choose.
type Options struct {
	MaxRetry  *int       `json:"maxRetry"`
	Queue     *string    `json:"queue"`
	TaskID    *string    `json:"taskId"`
	Timeout   *Duration  `json:"timeout"`
	Deadline  *time.Time `json:"deadline"`
	Unique    *Duration  `json:"unique"`
	ProcessAt *time.Time `json:"processAt"`
	ProcessIn *Duration  `json:"processIn"`
	Retention *Duration  `json:"retention"`
	Group     *string    `json:"group"`
}

// Task makes asynq's task of it.
func (p *Peer) Task(t NewTask) *asynq.Task {
	var payload []byte
	if t.Payload != nil {
		payload = *t.Payload
	}
	if t.Headers == nil {
		return asynq.NewTask(t.Type, payload)
	}
	return p.newer.NewTask(t.Type, payload, t.Headers)
}

// List makes asynq's options of them.
func (o Options) List() []asynq.Option {
	var list []asynq.Option
	add(&list, o.MaxRetry, asynq.MaxRetry)
	add(&list, o.Queue, asynq.Queue)
	add(&list, o.TaskID, asynq.TaskID)
	add(&list, o.Timeout, lengthOf(asynq.Timeout))
	add(&list, o.Deadline, asynq.Deadline)
	add(&list, o.Unique, lengthOf(asynq.Unique))
	add(&list, o.ProcessAt, asynq.ProcessAt)
	add(&list, o.ProcessIn, lengthOf(asynq.ProcessIn))
	add(&list, o.Retention, lengthOf(asynq.Retention))
	add(&list, o.Group, asynq.Group)
	return list
}

func add[V any](list *[]asynq.Option, value *V, option func(V) asynq.Option) {
	if value != nil {
		*list = append(*list, option(*value))
	}
}

func lengthOf(option func(time.Duration) asynq.Option) func(Duration) asynq.Option {
	return func(d Duration) asynq.Option { return option(time.Duration(d)) }
}

// Puts a task in its queue and answers asynq's TaskInfo.
func (p *Peer) enqueue(t NewTask) (any, error) {
	info, err := p.client.Enqueue(p.Task(t), t.Options.List()...)
	if err != nil {
		return nil, err
	}
	return p.toJSON(reflect.ValueOf(info)), nil
}
