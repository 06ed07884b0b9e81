package main

import "encoding/json"

// Answers JSON as Go writes what it says: a program of Go's makes payloads so.
func marshal(args struct{ Text string }) (any, error) {
	var value any
	if err := json.Unmarshal([]byte(args.Text), &value); err != nil {
		return nil, err
	}
	written, err := json.Marshal(value)
	return string(written), err
}
