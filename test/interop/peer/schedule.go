package main

import (
	"fmt"
	"sync"
	"time"

	"anyversion"
	"github.com/hibiken/asynq"
	"github.com/robfig/cron/v3"
)

type scheduled struct {
	Spec string             `json:"spec"`
	Task anyversion.NewTask `json:"task"`
}

type schedulerOptions struct {
	Name      string              `json:"name"`
	Heartbeat anyversion.Duration `json:"heartbeat"`
	Sync      anyversion.Duration `json:"sync"`
	Entries   []scheduled         `json:"entries"`
}

func (o schedulerOptions) opts() *asynq.SchedulerOpts {
	return &asynq.SchedulerOpts{HeartbeatInterval: time.Duration(o.Heartbeat), LogLevel: asynq.WarnLevel}
}

// Runs a scheduler and answers the ids of its entries.
func (p *peer) schedule(o schedulerOptions) (any, error) {
	scheduler := asynq.NewScheduler(p.Conn, o.opts())
	ids := []string{}
	for _, entry := range o.Entries {
		id, err := scheduler.Register(entry.Spec, p.Task(entry.Task), entry.Task.Options.List()...)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	p.mu.Lock()
	p.schedulers[o.Name] = scheduler
	p.mu.Unlock()
	return ids, scheduler.Start()
}

// A PeriodicTaskManager, and the list that it asks for.
type periodic struct {
	manager *asynq.PeriodicTaskManager
	task    func(anyversion.NewTask) *asynq.Task
	mu      sync.Mutex
	entries []scheduled
}

func (m *periodic) GetConfigs() ([]*asynq.PeriodicTaskConfig, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	configs := []*asynq.PeriodicTaskConfig{}
	for _, entry := range m.entries {
		configs = append(configs, &asynq.PeriodicTaskConfig{
			Cronspec: entry.Spec,
			Task:     m.task(entry.Task),
			Opts:     entry.Task.Options.List(),
		})
	}
	return configs, nil
}

// Runs a PeriodicTaskManager over a list that provide replaces.
func (p *peer) manage(o schedulerOptions) (any, error) {
	m := &periodic{task: p.Task, entries: o.Entries}
	manager, err := asynq.NewPeriodicTaskManager(asynq.PeriodicTaskManagerOpts{
		RedisConnOpt:               p.Conn,
		PeriodicTaskConfigProvider: m,
		SyncInterval:               time.Duration(o.Sync),
		SchedulerOpts:              o.opts(),
	})
	if err != nil {
		return nil, err
	}
	m.manager = manager
	p.mu.Lock()
	p.managers[o.Name] = m
	p.mu.Unlock()
	return nil, manager.Start()
}

func (p *peer) provide(o schedulerOptions) (any, error) {
	p.mu.Lock()
	m, ok := p.managers[o.Name]
	p.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("no manager %q", o.Name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = o.Entries
	return nil, nil
}

// Ends a scheduler or a manager.
func (p *peer) unschedule(n anyversion.Named) (any, error) {
	p.mu.Lock()
	scheduler, isScheduler := p.schedulers[n.Name]
	m, isManager := p.managers[n.Name]
	p.mu.Unlock()
	switch {
	case isScheduler:
		scheduler.Shutdown()
	case isManager:
		m.manager.Shutdown()
	default:
		return nil, fmt.Errorf("no scheduler %q", n.Name)
	}
	return nil, nil
}

// The next instants of a spec, by the parser that asynq's scheduler uses, for one that starts at an instant.
func ticks(args struct {
	Spec string
	From time.Time
	Zone string
	N    int
}) (any, error) {
	location, err := time.LoadLocation(args.Zone)
	if err != nil {
		return nil, err
	}
	parsed, err := cron.ParseStandard(args.Spec)
	if err != nil {
		return nil, err
	}
	next := []time.Time{}
	for at := args.From.In(location); len(next) < args.N; {
		at = parsed.Next(at)
		next = append(next, at.UTC())
	}
	return next, nil
}
