// Measures asynq as measure.ts does the systems of Node.js: the same scenarios, payloads and counting.
//
//	asynq measure <redis url> <scenario as JSON>   prints one line of JSON, {"value": …}
//	asynq fill <redis url> <count> [due at]        enqueues tasks 0 … count-1, to run at that instant (Unix ms)
//	asynq trickle <redis url> <count>              enqueues 50 tasks a second
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) < 4 {
		must(fmt.Errorf("want: measure, fill or trickle, a redis url, and what for"))
	}
	mode, url, what := os.Args[1], os.Args[2], os.Args[3]
	queue, err := connect(url)
	must(err)
	switch mode {
	case "measure":
		var s scenario
		must(json.Unmarshal([]byte(what), &s))
		result, err := newMeasuring(queue, url).measure(s)
		must(err)
		must(json.NewEncoder(os.Stdout).Encode(result))
	case "fill":
		dueAt := time.Time{}
		if len(os.Args) > 4 {
			dueAt = time.UnixMilli(int64(number(os.Args[4])))
		}
		must(queue.enqueueAll(number(what), 100, dueAt))
	case "trickle":
		must(queue.trickle(number(what)))
	default:
		must(fmt.Errorf("no mode %q", mode))
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	must(err)
	return n
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "asynq:", err)
		os.Exit(1)
	}
}
