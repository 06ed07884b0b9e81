package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sys/unix"
)

// Reads what the Redis server has spent, as redis-meter.ts does.
type meter struct{ redis *redis.Client }

type use struct {
	cpuUs float64
	// Commands, also those inside scripts, without this meter's own.
	calls float64
}

func newMeter(url string) meter {
	options, err := redis.ParseURL(url)
	must(err)
	return meter{redis.NewClient(options)}
}

func (m meter) info(section string) string {
	text, err := m.redis.Info(context.Background(), section).Result()
	must(err)
	return text
}

func field(info, name string) float64 {
	match := regexp.MustCompile(`(?m)^` + name + `:([\d.]+)`).FindStringSubmatch(info)
	if match == nil {
		must(fmt.Errorf("INFO has no %s", name))
	}
	value, err := strconv.ParseFloat(match[1], 64)
	must(err)
	return value
}

var commandStat = regexp.MustCompile(`(?m)^cmdstat_([^:]+):calls=(\d+)`)

func (m meter) read() use {
	cpu := m.info("cpu")
	u := use{cpuUs: (field(cpu, "used_cpu_user") + field(cpu, "used_cpu_sys")) * 1e6}
	for _, match := range commandStat.FindAllStringSubmatch(m.info("commandstats"), -1) {
		if match[1] == "info" {
			continue
		}
		calls, err := strconv.ParseFloat(match[2], 64)
		must(err)
		u.calls += calls
	}
	return u
}

func (m meter) usedMemory() float64 { return field(m.info("memory"), "used_memory") }

func (m meter) clear() { must(m.redis.FlushAll(context.Background()).Err()) }

// Microseconds of CPU that this process has used.
func ownCPU() float64 {
	var usage unix.Rusage
	must(unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return float64(time.Duration(usage.Utime.Nano()+usage.Stime.Nano()) / time.Microsecond)
}
