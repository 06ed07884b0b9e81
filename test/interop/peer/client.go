package main

import (
	"reflect"
	"time"

	"github.com/hibiken/asynq"
)

// A task to be, and the options of its enqueueing.
type newTask struct {
	Type string `json:"type"`
	// Absent: none at all, which asynq tells from an empty one.
	Payload *hexBytes         `json:"payload"`
	Headers map[string]string `json:"headers"`
	Options options           `json:"options"`
}

type options struct {
	MaxRetry  *int       `json:"maxRetry"`
	Queue     *string    `json:"queue"`
	TaskID    *string    `json:"taskId"`
	Timeout   *duration  `json:"timeout"`
	Deadline  *time.Time `json:"deadline"`
	Unique    *duration  `json:"unique"`
	ProcessAt *time.Time `json:"processAt"`
	ProcessIn *duration  `json:"processIn"`
	Retention *duration  `json:"retention"`
	Group     *string    `json:"group"`
}

func (t newTask) task() *asynq.Task {
	var payload []byte
	if t.Payload != nil {
		payload = *t.Payload
	}
	if t.Headers == nil {
		return asynq.NewTask(t.Type, payload)
	}
	return asynq.NewTaskWithHeaders(t.Type, payload, t.Headers)
}

func (o options) list() []asynq.Option {
	var list []asynq.Option
	add(&list, o.MaxRetry, asynq.MaxRetry)
	add(&list, o.Queue, asynq.Queue)
	add(&list, o.TaskID, asynq.TaskID)
	add(&list, o.Timeout, func(d duration) asynq.Option { return asynq.Timeout(time.Duration(d)) })
	add(&list, o.Deadline, asynq.Deadline)
	add(&list, o.Unique, func(d duration) asynq.Option { return asynq.Unique(time.Duration(d)) })
	add(&list, o.ProcessAt, asynq.ProcessAt)
	add(&list, o.ProcessIn, func(d duration) asynq.Option { return asynq.ProcessIn(time.Duration(d)) })
	add(&list, o.Retention, func(d duration) asynq.Option { return asynq.Retention(time.Duration(d)) })
	add(&list, o.Group, asynq.Group)
	return list
}

func add[V any](list *[]asynq.Option, value *V, option func(V) asynq.Option) {
	if value != nil {
		*list = append(*list, option(*value))
	}
}

// Puts a task in its queue and answers asynq's TaskInfo.
func (p *peer) enqueue(t newTask) (any, error) {
	info, err := p.client.Enqueue(t.task(), t.Options.list()...)
	if err != nil {
		return nil, err
	}
	return toJSON(reflect.ValueOf(info)), nil
}
