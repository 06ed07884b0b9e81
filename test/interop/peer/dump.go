package main

import (
	"context"
	"encoding/hex"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// One key, as the golden vectors write it.
type dumped struct {
	String   *string           `json:"string,omitempty"`
	List     []string          `json:"list,omitempty"`
	Set      []string          `json:"set,omitempty"`
	Zset     [][2]string       `json:"zset,omitempty"`
	Hash     map[string]string `json:"hash,omitempty"`
	TTL      int64             `json:"ttl,omitempty"`
	ExpireAt int64             `json:"expireAt,omitempty"`
}

// Every key of a queue, or of the whole Redis without one.
func (p *peer) dump(args struct{ Queue string }) (any, error) {
	ctx := context.Background()
	keys, err := p.redis.Keys(ctx, "*").Result()
	if err != nil {
		return nil, err
	}
	all := map[string]dumped{}
	for _, key := range keys {
		if args.Queue != "" && !strings.Contains(key, ":{"+args.Queue+"}:") {
			continue
		}
		value, err := dumpKey(ctx, p.redis, key)
		if err != nil {
			return nil, err
		}
		all[key] = value
	}
	return all, nil
}

func dumpKey(ctx context.Context, r redis.UniversalClient, key string) (value dumped, err error) {
	kind, err := r.Type(ctx, key).Result()
	if err != nil {
		return value, err
	}
	switch kind {
	case "string":
		text, err := r.Get(ctx, key).Result()
		if err != nil {
			return value, err
		}
		text = shown(key, "", text)
		value.String = &text
	case "list":
		value.List, err = r.LRange(ctx, key, 0, -1).Result()
	case "set":
		value.Set, err = r.SMembers(ctx, key).Result()
		sort.Strings(value.Set)
	case "zset":
		var members []redis.Z
		members, err = r.ZRangeWithScores(ctx, key, 0, -1).Result()
		for _, z := range members {
			score := strconv.FormatFloat(z.Score, 'f', -1, 64)
			value.Zset = append(value.Zset, [2]string{shown(key, "", z.Member.(string)), score})
		}
	case "hash":
		value.Hash, err = r.HGetAll(ctx, key).Result()
		for field, text := range value.Hash {
			value.Hash[field] = shown(key, field, text)
		}
	}
	if err != nil {
		return value, err
	}
	for i, item := range value.List {
		value.List[i] = shown(key, "", item)
	}
	left, err := r.PTTL(ctx, key).Result()
	if err != nil || left < 0 {
		return value, err
	}
	if isDay(key) {
		at, err := r.ExpireTime(ctx, key).Result()
		value.ExpireAt = int64(at / time.Second)
		return value, err
	}
	value.TTL = int64((left + time.Second - 1) / time.Second)
	return value, nil
}

func isDay(key string) bool {
	parts := strings.Split(key, ":")
	if len(parts) < 2 {
		return false
	}
	name, day := parts[len(parts)-2], parts[len(parts)-1]
	_, err := time.Parse(time.DateOnly, day)
	return err == nil && (name == "processed" || name == "failed")
}

// Messages and records in hexadecimal, everything else as it is.
func shown(key, field, text string) string {
	for _, prefix := range []string{"asynq:servers:{", "asynq:workers:{", "asynq:schedulers:{", "asynq:scheduler_history:"} {
		if strings.HasPrefix(key, prefix) {
			return hex.EncodeToString([]byte(text))
		}
	}
	if field == "msg" {
		return hex.EncodeToString([]byte(text))
	}
	return text
}
