package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"time"

	"anyversion"
	"github.com/hibiken/asynq"
	"github.com/hibiken/asynq/internal/base"
)

// Writes the golden vectors into a directory, one JSON object a line. The same seed gives the same vectors.
func writeVectors(dir string, seed uint64) error {
	d := drawer{rand.New(rand.NewPCG(seed, 1))}
	files := []struct {
		name  string
		lines int
		draw  func() (any, error)
	}{
		{"task-messages", 300, func() (any, error) { return record(d.taskMessage(), base.EncodeMessage) }},
		{"servers", 60, func() (any, error) { return d.server() }},
		{"workers", 60, func() (any, error) { return d.worker() }},
		{"scheduler-entries", 60, func() (any, error) { return record(d.schedulerEntry(), base.EncodeSchedulerEntry) }},
		{"enqueue-events", 60, func() (any, error) { return record(d.enqueueEvent(), base.EncodeSchedulerEnqueueEvent) }},
		{"unique-keys", 150, func() (any, error) { return d.uniqueKey(), nil }},
		{"option-texts", 300, func() (any, error) { return d.optionText(), nil }},
	}
	for _, f := range files {
		lines := []any{}
		for range f.lines {
			line, err := f.draw()
			if err != nil {
				return err
			}
			lines = append(lines, line)
		}
		if err := writeLines(filepath.Join(dir, f.name+".jsonl"), lines); err != nil {
			return err
		}
	}
	return nil
}

func writeLines(path string, lines []any) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

type vector struct {
	Fields any    `json:"fields"`
	Hex    string `json:"hex"`
	Key    string `json:"key,omitempty"`
}

// Encodes as asynq does. It writes maps in random order: of what it may write, this is the least in size and order.
func record[M any](message M, encode func(M) ([]byte, error)) (vector, error) {
	least := ""
	for range 64 {
		bytes, err := encode(message)
		if err != nil {
			return vector{}, err
		}
		if text := hex.EncodeToString(bytes); least == "" || text < least {
			least = text
		}
	}
	return vector{Fields: fields(message), Hex: least}, nil
}

// The fields of a struct by their names in Go. 64-bit numbers are text, instants seconds and nanoseconds.
func fields(message any) map[string]any {
	all := map[string]any{}
	value := reflect.Indirect(reflect.ValueOf(message))
	for i := range value.NumField() {
		var plain any
		switch v := value.Field(i).Interface().(type) {
		case int64:
			plain = strconv.FormatInt(v, 10)
		case []byte:
			plain = hex.EncodeToString(v)
		case time.Time:
			plain = map[string]any{"seconds": strconv.FormatInt(v.Unix(), 10), "nanos": v.Nanosecond()}
		default:
			plain = v
		}
		all[value.Type().Field(i).Name] = plain
	}
	return all
}

// Reads what somebody else has written, as asynq reads it.
func decode(args struct {
	Kind string
	Hex  anyversion.HexBytes
}) (any, error) {
	var message any
	var err error
	switch args.Kind {
	case "task-messages":
		message, err = base.DecodeMessage(args.Hex)
	case "servers":
		message, err = base.DecodeServerInfo(args.Hex)
	case "workers":
		message, err = base.DecodeWorkerInfo(args.Hex)
	case "scheduler-entries":
		message, err = base.DecodeSchedulerEntry(args.Hex)
	case "enqueue-events":
		message, err = base.DecodeSchedulerEnqueueEvent(args.Hex)
	default:
		err = fmt.Errorf("no records %q", args.Kind)
	}
	if err != nil {
		return nil, err
	}
	return fields(message), nil
}

// Draws what may stand in a message, the odd more often than in life.
type drawer struct{ *rand.Rand }

var letters = []string{
	"a", "b", "z", "0", "9", ":", "-", "_", ".", " ", "{", "}", "(", ")", "\"", "\\", "'", "<", ">", "&", "\n", "\t", "\x00", "\x7f",
	"\u00a0", "é", "ß", "ж", "世", "\u2028", "\u2029", "\ufeff", "\ufffd", "\u200b", "🙂", "\U000e0001", "\U0010ffff",
}

func (d drawer) text(most int) string {
	text := ""
	for range d.IntN(most + 1) {
		text += letters[d.IntN(len(letters))]
	}
	return text
}

func (d drawer) bytes(most int) []byte {
	bytes := make([]byte, d.IntN(most+1))
	for i := range bytes {
		bytes[i] = byte(d.Uint32())
	}
	return bytes
}

func (d drawer) int64() int64 {
	switch d.IntN(6) {
	case 0, 1:
		return 0
	case 2:
		return int64(d.Uint64())
	case 3:
		return []int64{math.MaxInt64, math.MinInt64, 1 << 53, 1<<53 + 1, -1, 127, 128}[d.IntN(7)]
	}
	return 1_700_000_000 + d.Int64N(1_000_000_000)
}

func (d drawer) int32() int {
	if d.IntN(3) == 0 {
		return []int{0, math.MaxInt32, math.MinInt32, -1}[d.IntN(4)]
	}
	return d.IntN(300)
}

func (d drawer) instant() time.Time {
	if d.IntN(8) == 0 {
		return time.Time{}
	}
	nanos := []int64{0, 1, 999_999_999, 123_000_000, d.Int64N(1e9)}[d.IntN(5)]
	return time.Unix(d.Int64N(4_000_000_000)-1_000_000_000, nanos).UTC()
}

func (d drawer) taskMessage() *base.TaskMessage {
	message := &base.TaskMessage{
		Type: d.text(12), Payload: d.bytes(40), ID: d.text(12), Queue: d.text(6), Retry: d.int32(), Retried: d.int32(),
		ErrorMsg: d.text(20), LastFailedAt: d.int64(), Timeout: d.int64(), Deadline: d.int64(), UniqueKey: d.text(20),
		GroupKey: d.text(6), Retention: d.int64(), CompletedAt: d.int64(),
	}
	if d.IntN(2) == 0 {
		message.Headers = map[string]string{}
		for range d.IntN(4) {
			message.Headers[d.text(4)] = d.text(8)
		}
	}
	return message
}

func (d drawer) server() (any, error) {
	info := &base.ServerInfo{
		Host: d.text(8), PID: d.int32(), ServerID: d.text(12), Concurrency: d.int32(), Queues: map[string]int{},
		StrictPriority: d.IntN(2) == 0, Status: []string{"new", "active", "stopped", "closed"}[d.IntN(4)],
		Started: d.instant(), ActiveWorkerCount: d.int32(),
	}
	for range d.IntN(4) {
		info.Queues[d.text(4)] = d.IntN(100)
	}
	v, err := record(info, base.EncodeServerInfo)
	v.Key = base.ServerInfoKey(info.Host, info.PID, info.ServerID)
	return v, err
}

func (d drawer) worker() (any, error) {
	info := &base.WorkerInfo{
		Host: d.text(8), PID: d.int32(), ServerID: d.text(12), ID: d.text(12), Type: d.text(12), Payload: d.bytes(30),
		Queue: d.text(6), Started: d.instant(), Deadline: d.instant(),
	}
	v, err := record(info, base.EncodeWorkerInfo)
	v.Key = base.WorkersKey(info.Host, info.PID, info.ServerID)
	return v, err
}

func (d drawer) schedulerEntry() *base.SchedulerEntry {
	entry := &base.SchedulerEntry{
		ID: d.text(12), Spec: []string{"@every 30s", "*/5 * * * *", "CRON_TZ=Asia/Tokyo 0 9 * * *"}[d.IntN(3)],
		Type: d.text(12), Payload: d.bytes(30), Opts: []string{}, Next: d.instant(), Prev: d.instant(),
	}
	for range d.IntN(4) {
		entry.Opts = append(entry.Opts, d.optionText().Text)
	}
	return entry
}

func (d drawer) enqueueEvent() *base.SchedulerEnqueueEvent {
	return &base.SchedulerEnqueueEvent{TaskID: d.text(12), EnqueuedAt: d.instant()}
}

type uniqueKey struct {
	Queue   string  `json:"queue"`
	Type    string  `json:"type"`
	Payload *string `json:"payload"`
	Key     string  `json:"key"`
}

func (d drawer) uniqueKey() uniqueKey {
	v := uniqueKey{Queue: d.text(6), Type: d.text(12)}
	var payload []byte
	if d.IntN(5) > 0 {
		payload = d.bytes(60)
		text := hex.EncodeToString(payload)
		v.Payload = &text
	}
	v.Key = base.UniqueKey(v.Queue, v.Type, payload)
	return v
}

type optionText struct {
	Option string `json:"option"`
	// A number, a text, nanoseconds or Unix seconds as text, or a key and its value.
	Value any    `json:"value"`
	Text  string `json:"text"`
}

// The text of an option, by asynq's own options; but Header, which no released asynq has, by docs/protocol.md 6.5.
func (d drawer) optionText() optionText {
	length := time.Duration(d.Int64N(1 << uint(10+d.IntN(50))))
	ns := strconv.FormatInt(int64(length), 10)
	at := time.Unix(d.Int64N(4_000_000_000), 0).UTC()
	unix := strconv.FormatInt(at.Unix(), 10)
	text := d.text(8)
	of := func(option asynq.Option, value any, name string) optionText {
		return optionText{name, value, option.String()}
	}
	switch d.IntN(11) {
	case 0:
		n := d.IntN(1 << uint(d.IntN(31)+1))
		return of(asynq.MaxRetry(n), n, "MaxRetry")
	case 1:
		return of(asynq.Queue(text), text, "Queue")
	case 2:
		return of(asynq.TaskID(text), text, "TaskID")
	case 3:
		return of(asynq.Group(text), text, "Group")
	case 4:
		return of(asynq.Timeout(length), ns, "Timeout")
	case 5:
		return of(asynq.Unique(length), ns, "Unique")
	case 6:
		return of(asynq.ProcessIn(length), ns, "ProcessIn")
	case 7:
		return of(asynq.Retention(length), ns, "Retention")
	case 8:
		return of(asynq.Deadline(at), unix, "Deadline")
	case 9:
		return of(asynq.ProcessAt(at), unix, "ProcessAt")
	}
	pair := []string{text, d.text(8)}
	written, err := json.Marshal(pair)
	anyversion.Must(err)
	return optionText{"Header", pair, "Header(" + string(written) + ")"}
}
